import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Graph, Initializer } from './graph';
import { liveNodes } from './live-nodes';
import type { AttributeValue, DType, Node, Tensor } from './tensor';

/** Opset 23 is the first with RMSNormalization and RotaryEmbedding as standard operators. */
const OPSET = 23;
const IR_VERSION = 11;
/** Domain of ONNX Runtime's own operators. */
const MICROSOFT = 'com.microsoft';

// Field numbers and enum values below: onnx/onnx.proto3 of ONNX 1.18.
const ELEMENT_TYPE: Readonly<Record<DType, number>> = { float32: 1, uint8: 2, int8: 3, int64: 7, bool: 9, float16: 10, uint32: 12, bfloat16: 16 };
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 } as const;
const EXTERNAL = 1;

type Encode = (writer: BinaryWriter) => void;

function message(writer: BinaryWriter, field: number, encode: Encode): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  encode(writer);
  writer.join();
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function integer(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

/** The graph as the bytes of an ONNX ModelProto. */
export function encodeModel(graph: Graph): Uint8Array {
  const writer = new BinaryWriter();
  integer(writer, 1, IR_VERSION);
  text(writer, 2, 'seal-campaigns');
  message(writer, 7, (w) => encodeGraph(w, graph));
  message(writer, 8, (w) => integer(w, 2, OPSET));
  message(writer, 8, (w) => {
    text(w, 1, MICROSOFT);
    integer(w, 2, 1);
  });
  return writer.finish();
}

function encodeGraph(writer: BinaryWriter, graph: Graph): void {
  const nameOf: NameOf = ({ name }) => graph.outputNames.get(name) ?? name;
  const nodes = liveNodes(graph);
  const read = new Set(nodes.flatMap(({ inputs }) => inputs.map((input) => input?.name)));
  for (const node of nodes) message(writer, 1, (w) => encodeNode(w, node, nameOf));
  text(writer, 2, 'seal');
  for (const initializer of graph.initializers.filter(({ tensor }) => read.has(tensor.name))) message(writer, 5, (w) => encodeInitializer(w, initializer));
  for (const input of graph.inputs) message(writer, 11, (w) => encodeValue(w, input, nameOf));
  for (const output of graph.outputs) message(writer, 12, (w) => encodeValue(w, output, nameOf));
  // ONNX Runtime loses track of named dims where a shape is computed; told that two values are of one size, it lets them share memory.
  const results = new Set(graph.outputs.map(({ name }) => name));
  const between = nodes.flatMap(({ outputs }) => outputs).filter(({ name }) => !results.has(name));
  for (const value of between) message(writer, 13, (w) => encodeValue(w, value, nameOf));
}

/** What a tensor is called in the file. */
type NameOf = (tensor: Tensor) => string;

function encodeNode(writer: BinaryWriter, node: Node, nameOf: NameOf): void {
  // An optional input left out is an empty name.
  for (const input of node.inputs) text(writer, 1, input === undefined ? '' : nameOf(input));
  for (const output of node.outputs) text(writer, 2, nameOf(output));
  text(writer, 3, node.outputs[0]?.name ?? '');
  const dot = node.operator.lastIndexOf('.');
  text(writer, 4, node.operator.slice(dot + 1));
  if (dot > 0) text(writer, 7, node.operator.slice(0, dot));
  for (const [name, value] of Object.entries(node.attributes)) message(writer, 5, (w) => encodeAttribute(w, name, value));
}

function encodeAttribute(writer: BinaryWriter, name: string, value: AttributeValue): void {
  text(writer, 1, name);
  if (typeof value === 'number') {
    integer(writer, 3, value);
    integer(writer, 20, ATTRIBUTE_TYPE.int);
  } else if (typeof value === 'string') {
    text(writer, 4, value);
    integer(writer, 20, ATTRIBUTE_TYPE.string);
  } else if ('float' in value) {
    writer.tag(2, WireType.Bit32).float(value.float);
    integer(writer, 20, ATTRIBUTE_TYPE.float);
  } else if ('dtype' in value) {
    integer(writer, 3, ELEMENT_TYPE[value.dtype]);
    integer(writer, 20, ATTRIBUTE_TYPE.int);
  } else {
    for (const item of value) integer(writer, 8, item);
    integer(writer, 20, ATTRIBUTE_TYPE.ints);
  }
}

function encodeInitializer(writer: BinaryWriter, { tensor, source }: Initializer): void {
  for (const dim of tensor.shape) integer(writer, 1, Number(dim));
  integer(writer, 2, ELEMENT_TYPE[tensor.dtype]);
  text(writer, 8, tensor.name);
  if ('bytes' in source) {
    writer.tag(9, WireType.LengthDelimited).bytes(source.bytes);
    return;
  }
  const entries = { location: source.file, offset: String(source.byteOffset), length: String(source.byteLength) };
  for (const [key, value] of Object.entries(entries)) {
    message(writer, 13, (w) => {
      text(w, 1, key);
      text(w, 2, value);
    });
  }
  integer(writer, 14, EXTERNAL);
}

function encodeValue(writer: BinaryWriter, tensor: Tensor, nameOf: NameOf): void {
  text(writer, 1, nameOf(tensor));
  message(writer, 2, (type) => {
    message(type, 1, (w) => {
      integer(w, 1, ELEMENT_TYPE[tensor.dtype]);
      message(w, 2, (shape) => {
        for (const dim of tensor.shape) {
          message(shape, 1, (d) => (typeof dim === 'number' ? integer(d, 1, dim) : text(d, 2, dim)));
        }
      });
    });
  });
}
