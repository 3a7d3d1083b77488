import { Tabs } from '@mantine/core'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useEffect } from 'react'
import type { JobDetailView, JobView } from '../../../protocol/control/job-views.ts'
import { useSnapshot } from '../../agent/context.tsx'
import { errorText, isOpen, useJobDetail } from '../../agent/queries.ts'
import { formatCount, formatPercent } from '../../ui/format.ts'
import { Problem } from '../../ui/problem.tsx'
import { Configuration } from './configuration.tsx'
import { Failures } from './failures/failures.tsx'
import { GalleryTab } from './gallery/gallery-tab.tsx'
import { JobHeader } from './job-header.tsx'
import { progressShare } from './job-state.ts'
import { isJobTab } from './job-tabs.ts'
import { LogsTab } from './logs/logs-tab.tsx'
import { MapTab } from './map/map-tab.tsx'
import { Peers } from './peers.tsx'
import { RowsTab } from './rows/rows-tab.tsx'
import { TimelineTab } from './timeline/timeline-tab.tsx'
import './jobs.css'

/** One job: header with progress, and its rows, gallery, map, timeline, peers, failures, logs and configuration. */
export const JobPage = () => {
  const { job: id } = useParams({ from: '/jobs/$job' })
  const { jobs } = useSnapshot()
  const live = jobs.find((job) => job.id === id)
  const detail = useJobDetail(id, live === undefined || isOpen(live))
  const job = live ?? detail.data
  useTitle(job)
  if (job === undefined) {
    return detail.error === null ? (
      <p className="muted">Asking for the job …</p>
    ) : (
      <Problem sentence={errorText(detail.error)} retry={() => void detail.refetch()} />
    )
  }
  return (
    <>
      <JobHeader job={job} detail={detail.data?.id === job.id ? detail.data : undefined} />
      <JobTabs job={job} detail={detail.data?.id === job.id ? detail.data : undefined} />
    </>
  )
}

const JobTabs = (props: { readonly job: JobView; readonly detail: JobDetailView | undefined }) => {
  const { job, detail } = props
  const { tab = 'rows' } = useSearch({ from: '/jobs/$job' })
  const navigate = useNavigate({ from: '/jobs/$job' })
  return (
    <Tabs
      className="job-tabs"
      value={tab}
      keepMounted={false}
      onChange={(value) => {
        if (isJobTab(value)) void navigate({ search: { tab: value }, replace: true })
      }}
    >
      <Tabs.List aria-label={`Parts of ${job.name}`}>
        <Tabs.Tab value="rows">
          Rows <TabCount count={job.rowsHere} />
        </Tabs.Tab>
        <Tabs.Tab value="gallery">Gallery</Tabs.Tab>
        <Tabs.Tab value="map">
          Map <TabCount count={job.miniBatches} />
        </Tabs.Tab>
        <Tabs.Tab value="timeline">Timeline</Tabs.Tab>
        <Tabs.Tab value="peers">
          Peers <TabCount count={detail?.peers.length ?? 0} />
        </Tabs.Tab>
        <Tabs.Tab value="failures">
          Failures <TabCount count={job.itemsFailed} />
        </Tabs.Tab>
        <Tabs.Tab value="logs">Logs</Tabs.Tab>
        <Tabs.Tab value="configuration">Configuration</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="rows">
        <RowsTab job={job} />
      </Tabs.Panel>
      <Tabs.Panel value="gallery">
        <GalleryTab job={job} spec={detail?.spec} />
      </Tabs.Panel>
      <Tabs.Panel value="map">
        <MapTab job={job} spec={detail?.spec} />
      </Tabs.Panel>
      <Tabs.Panel value="timeline">
        <TimelineTab job={job} />
      </Tabs.Panel>
      <Tabs.Panel value="peers">
        <Peers detail={detail} />
      </Tabs.Panel>
      <Tabs.Panel value="failures">
        <Failures job={job} detail={detail} />
      </Tabs.Panel>
      <Tabs.Panel value="logs">
        <LogsTab job={job} />
      </Tabs.Panel>
      <Tabs.Panel value="configuration">
        <Configuration detail={detail} />
      </Tabs.Panel>
    </Tabs>
  )
}

const TabCount = (props: { readonly count: number }) =>
  props.count === 0 ? null : <span className="tab-count">{formatCount(props.count)}</span>

/** The browser tab tells how far the job is. */
const useTitle = (job: JobView | undefined): void => {
  const title =
    job === undefined
      ? 'Muster'
      : isOpen(job)
        ? `${formatPercent(progressShare(job))} ${job.name} · Muster`
        : `${job.name} · Muster`
  useEffect(() => {
    document.title = title
    return () => {
      document.title = 'Muster'
    }
  }, [title])
}
