import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectAddress } from '#agent/sdk/connection.ts'
import { placeOf } from '#agent/sdk/data-path.ts'
import {
  Dataset,
  Environment,
  ParallelRunConfig,
  ParallelRunStep,
  Pipeline,
  PipelineData,
  PipelineParameter,
  Workspace,
} from '#agent/sdk/index.ts'
import { pipelineFileSchema } from '#protocol/spec/pipeline-file.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-sdk-'))
  await mkdir(join(folder, 'images/a'), { recursive: true })
  await writeFile(join(folder, 'images/a/one.png'), '')
})
afterAll(() => rm(folder, { recursive: true }))

const workspace = new Workspace(connectAddress('http://127.0.0.1:1', 'token'))
const script = new ParallelRunConfig({ entryScript: 'score.ts', sourceDirectory: './scripts/' })

describe('paths of a dataset', () => {
  test('a folder is all its files, a file is itself, a glob is cut at its first star', async () => {
    const images = join(folder, 'images')
    expect(await placeOf([images])).toEqual({ path: images, patterns: ['**/*'] })
    const one = join(images, 'a/one.png')
    expect(await placeOf([one])).toEqual({ path: join(images, 'a'), patterns: ['one.png'] })
    const glob = `${images}/**/*.png`
    expect(await placeOf([glob])).toEqual({ path: images, patterns: ['**/*.png'] })
  })

  test('several paths meet in the folder they share', async () => {
    const paths = [`${folder}/images/a/*.png`, `${folder}/images/b/*.jpg`]
    const patterns = ['a/*.png', 'b/*.jpg']
    expect(await placeOf(paths)).toEqual({ path: join(folder, 'images'), patterns })
  })

  test('below a datastore the name tells a file from a folder', async () => {
    const place = (path: string) => placeOf([{ datastore: 'lab', path }])
    expect(await place('scans/')).toEqual({ datastore: 'lab', path: 'scans', patterns: ['**/*'] })
    expect(await place('scans/1.tif')).toMatchObject({ path: 'scans', patterns: ['1.tif'] })
    expect(await place('')).toMatchObject({ path: '.', patterns: ['**/*'] })
  })

  test('datastores are not mixed, and none is no dataset', async () => {
    const mixed = placeOf([folder, { datastore: 'lab', path: 'x' }])
    await expect(mixed).rejects.toThrow('one datastore')
    await expect(placeOf([])).rejects.toThrow('at least one path')
  })

  test('with validate a missing folder fails now, without it later', async () => {
    const missing = join(folder, 'none')
    await expect(Dataset.File.fromFiles(missing, { validate: true })).rejects.toThrow(missing)
    await expect(Dataset.File.fromFiles(missing)).resolves.toBeInstanceOf(Dataset)
  })
})

describe('a pipeline as a file', () => {
  test('names every setting as a job file does, and is a valid pipeline file', async () => {
    const size = new PipelineParameter({ name: 'size', defaultValue: 5, description: 'files' })
    const look = new PipelineParameter({ name: 'look', defaultValue: 'mnist' })
    const images = await Dataset.File.fromFiles(`${folder}/images/**/*.png`)
    const step = new ParallelRunStep({
      name: 'predict',
      parallelRunConfig: script.with({
        miniBatchSize: size,
        errorThreshold: 0,
        computeTarget: { name: 'gpus' },
        environment: new Environment({ environmentVariables: { MODE: 'fast' } }),
      }),
      inputs: [images.asNamedInput('images')],
      arguments: ['--size', size, 7],
      model: 'mnist:2',
      models: { find: 'detector:1', look: look },
      output: new PipelineData('found'),
      allowReuse: false,
    })
    const file = await new Pipeline(workspace, { steps: [step] }).toFile({ experiment: 'digits' })
    expect(file).toEqual({
      name: 'predict',
      experiment: 'digits',
      parameters: { size: { default: 5, description: 'files' }, look: 'mnist' },
      steps: [
        {
          name: 'predict',
          entry_script: './scripts/score.ts',
          source_directory: './scripts/',
          mini_batch_size: '${{parameters.size}}',
          error_threshold: 0,
          environment_variables: { MODE: 'fast' },
          compute: 'gpus',
          model: 'mnist:2',
          models: { find: 'detector:1', look: '${{parameters.look}}' },
          arguments: ['--size', '${{parameters.size}}', 7],
          inputs: {
            images: { path: join(folder, 'images'), patterns: ['**/*.png'], type: 'files' },
          },
          output_name: 'found',
          allow_reuse: false,
        },
      ],
    })
    const filled = JSON.parse(JSON.stringify(file).replaceAll('"${{parameters.size}}"', '5'))
    expect(pipelineFileSchema.safeParse(filled).success).toBe(true)
  })

  test('wires a step to the output of another, and to what must have ended', async () => {
    const faces = new PipelineData('faces')
    const images = (await Dataset.File.fromFiles(folder)).asNamedInput('images')
    const base = { parallelRunConfig: script }
    const find = new ParallelRunStep({ ...base, name: 'find', inputs: [images], output: faces })
    const name = new ParallelRunStep({
      ...base,
      name: 'name-them',
      inputs: [faces.asNamedInput('rows')],
      sideInputs: [faces.asNamedInput('all'), images.asMount()],
      runAfter: [find],
    })
    const file = await new Pipeline(workspace, { steps: [find, name] }).toFile()
    expect(file['steps']).toMatchObject([
      { name: 'find', output_name: 'faces' },
      {
        name: 'name-them',
        inputs: { rows: '${{steps.find.outputs.faces}}' },
        side_inputs: { all: '${{steps.find.outputs.faces}}', images: { path: folder } },
        after: ['find'],
      },
    ])
    await expect(new Pipeline(workspace, { steps: [name] }).toFile()).rejects.toThrow(
      'No step of the pipeline gives the output "faces"',
    )
  })

  test('says how inputs come to machines where that is not the usual way', async () => {
    const images = (await Dataset.File.fromFiles(folder)).asNamedInput('images')
    const modeOf = async (input: typeof images): Promise<unknown> => {
      const step = new ParallelRunStep({ name: 'find', parallelRunConfig: script, inputs: [input] })
      const file = await new Pipeline(workspace, { steps: [step] }).toFile()
      expect(pipelineFileSchema.safeParse(file).success).toBe(true)
      return (file['steps'] as { inputs: { images: { mode?: string } } }[])[0]?.inputs.images.mode
    }
    expect(await modeOf(images)).toBeUndefined()
    expect(await modeOf(images.asDownload())).toBe('download')
    expect(await modeOf(images.asDirect())).toBe('direct')
    expect(await modeOf(images.asDirect().asMount())).toBeUndefined()
  })

  test('says how the output of a step comes to machines, too', async () => {
    const faces = new PipelineData('faces')
    const images = (await Dataset.File.fromFiles(folder)).asNamedInput('images')
    const find = new ParallelRunStep({
      name: 'find',
      parallelRunConfig: script,
      inputs: [images],
      output: faces,
    })
    const name = new ParallelRunStep({
      name: 'name-them',
      parallelRunConfig: script,
      inputs: [faces.asNamedInput('rows').asDownload()],
      sideInputs: [faces.asDirect(), faces.asNamedInput('plain').asDirect().asMount()],
    })
    const file = await new Pipeline(workspace, { steps: [find, name] }).toFile()
    expect(pipelineFileSchema.safeParse(file).success).toBe(true)
    const path = '${{steps.find.outputs.faces}}'
    expect((file['steps'] as unknown[])[1]).toMatchObject({
      inputs: { rows: { path, mode: 'download' } },
      side_inputs: { faces: { path, mode: 'direct' }, plain: path },
    })
  })

  test('has parameters wherever a file may have them: scripts, folders, variables, tags', async () => {
    const of = (name: string, defaultValue: string | boolean) =>
      new PipelineParameter({ name, defaultValue })
    const config = new ParallelRunConfig({
      entryScript: of('script', 'score.ts'),
      sourceDirectory: of('folder', './scripts'),
      outputAction: of('action', 'summary_only'),
      partitionKeys: ['user', of('key', 'season')],
      environment: new Environment({ environmentVariables: { name: of('stage', 'test') } }),
      outputFolder: { path: of('to', './out'), overwrite: of('again', true) },
    })
    const step = new ParallelRunStep({
      name: 'step-a',
      parallelRunConfig: config,
      inputs: [(await Dataset.File.fromFiles(folder)).asNamedInput('images')],
      allowReuse: of('reuse', false),
      description: of('about', 'all'),
      tags: { team: of('team', 'archive') },
    })
    const file = await new Pipeline(workspace, { steps: [step] }).toFile()
    expect(Object.keys(file['parameters'] as object)).toHaveLength(10)
    expect(file['steps']).toMatchObject([
      {
        entry_script: '${{parameters.folder}}/${{parameters.script}}',
        allow_reuse: '${{parameters.reuse}}',
      },
    ])
    expect(JSON.stringify(file)).not.toContain('[object')
    const saved = await readFile(await config.saveToYaml(join(folder, 'config.yml')), 'utf8')
    for (const line of [
      'source_directory: "./scripts"',
      'partition_keys: ["user","season"]',
      'environment_variables: {"name":"test"}',
      'output: {"path":"./out","overwrite":true}',
    ])
      expect(saved.split('\n')).toContain(line)
  })

  test('two parameters of one name, and two inputs of one name, are refused', async () => {
    const images = (await Dataset.File.fromFiles(folder)).asNamedInput('images')
    const step = (nodeCount: PipelineParameter, retries: PipelineParameter) =>
      new ParallelRunStep({
        name: 'step-a',
        parallelRunConfig: script.with({ nodeCount, runMaxTry: retries }),
        inputs: [images],
      })
    const parameter = (defaultValue: number) => new PipelineParameter({ name: 'n', defaultValue })
    const fileOf = (one: ParallelRunStep) => new Pipeline(workspace, { steps: [one] }).toFile()
    await expect(fileOf(step(parameter(1), parameter(2)))).rejects.toThrow('different defaults')
    await expect(fileOf(step(parameter(1), parameter(1)))).resolves.toBeDefined()
    const twice = new ParallelRunStep({
      name: 'step-a',
      parallelRunConfig: script,
      inputs: [images, images],
    })
    await expect(fileOf(twice)).rejects.toThrow('Two inputs are named "images"')
  })
})

describe('a workspace', () => {
  test('is found in a parent folder, and the error names every folder searched', async () => {
    await mkdir(join(folder, 'project/.muster'), { recursive: true })
    await writeFile(join(folder, 'project/.muster/muster.json'), '{"home": "../agent"}')
    await mkdir(join(folder, 'project/deep/deeper'), { recursive: true })
    const found = await Workspace.fromConfig(join(folder, 'project/deep/deeper'))
    expect(found.connection.place).toBe(join(folder, 'project/agent'))
    const missing = Workspace.fromConfig(join(folder, 'images'))
    await expect(missing).rejects.toThrow(join(folder, 'images/.muster'))
    await expect(missing).rejects.toThrow(`${tmpdir()},`)
  })

  test('a broken file is named', async () => {
    await mkdir(join(folder, 'broken'), { recursive: true })
    await writeFile(join(folder, 'broken/muster.json'), '{"hom": 1}')
    const broken = Workspace.fromConfig(join(folder, 'broken'))
    await expect(broken).rejects.toThrow(join(folder, 'broken/muster.json'))
  })

  test('an agent that does not run is a sentence that says how to start it', async () => {
    const call = Workspace.local(join(folder, 'nobody')).agent()
    await expect(call).rejects.toThrow('start it with `muster agent --home')
  })
})
