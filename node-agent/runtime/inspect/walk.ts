import type {
  AttributeProto,
  GraphProto,
  NodeProto,
  SparseTensorProto,
  TensorProto,
} from 'onnx-buf'
import type { ModelSkeleton } from './skeleton.ts'

/** Everything in a model that can name an operator or a file. */
export interface ModelVisitor {
  readonly node: (node: NodeProto) => void
  readonly tensor: (tensor: TensorProto) => void
  /** Values or indices of a sparse tensor. */
  readonly sparse: (tensor: TensorProto) => void
}

/** Visits all nodes and tensors: of the graph, of its inner graphs, of functions, of training graphs. */
export const walkModel = (skeleton: ModelSkeleton, visitor: ModelVisitor): void => {
  for (const tensor of skeleton.tensors) visitor.tensor(tensor)
  walkGraph(skeleton.graph, visitor)
  for (const body of skeleton.model.functions) {
    for (const node of body.node) walkNode(node, visitor)
    for (const attribute of body.attributeProto) walkAttribute(attribute, visitor)
  }
  for (const training of skeleton.model.trainingInfo) {
    if (training.initialization !== undefined) walkGraph(training.initialization, visitor)
    if (training.algorithm !== undefined) walkGraph(training.algorithm, visitor)
  }
}

const walkGraph = (graph: GraphProto, visitor: ModelVisitor): void => {
  for (const tensor of graph.initializer) visitor.tensor(tensor)
  for (const tensor of graph.sparseInitializer) walkSparse(tensor, visitor)
  for (const node of graph.node) walkNode(node, visitor)
}

const walkNode = (node: NodeProto, visitor: ModelVisitor): void => {
  visitor.node(node)
  for (const attribute of node.attribute) walkAttribute(attribute, visitor)
}

const walkAttribute = (attribute: AttributeProto, visitor: ModelVisitor): void => {
  if (attribute.t !== undefined) visitor.tensor(attribute.t)
  for (const tensor of attribute.tensors) visitor.tensor(tensor)
  if (attribute.sparseTensor !== undefined) walkSparse(attribute.sparseTensor, visitor)
  for (const tensor of attribute.sparseTensors) walkSparse(tensor, visitor)
  if (attribute.g !== undefined) walkGraph(attribute.g, visitor)
  for (const graph of attribute.graphs) walkGraph(graph, visitor)
}

const walkSparse = (tensor: SparseTensorProto, visitor: ModelVisitor): void => {
  if (tensor.values !== undefined) visitor.sparse(tensor.values)
  if (tensor.indices !== undefined) visitor.sparse(tensor.indices)
}
