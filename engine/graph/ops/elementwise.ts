import type { GradientRules } from '../gradient-rule';
import { type DType, type Tensor, broadcastShapes } from '../tensor';
import { emitOne } from './emit';

/** A number beside a tensor becomes a scalar constant of its graph. */
type Operand = Tensor | number;

function lift(value: Operand, beside: Operand): Tensor {
  if (typeof value !== 'number') return value;
  if (typeof beside === 'number') throw new TypeError(`${value} and ${beside}: one of them must be a tensor`);
  return beside.graph.constant('float32', value);
}

function binary(operator: string, a: Operand, b: Operand, dtype?: DType): Tensor {
  const x = lift(a, b);
  const y = lift(b, a);
  return emitOne(operator, [x, y], {}, broadcastShapes(x.shape, y.shape), dtype ?? x.dtype);
}

export const Add = (a: Operand, b: Operand): Tensor => binary('Add', a, b);
export const Sub = (a: Operand, b: Operand): Tensor => binary('Sub', a, b);
export const Mul = (a: Operand, b: Operand): Tensor => binary('Mul', a, b);
export const Div = (a: Operand, b: Operand): Tensor => binary('Div', a, b);
export const Min = (a: Operand, b: Operand): Tensor => binary('Min', a, b);
export const Max = (a: Operand, b: Operand): Tensor => binary('Max', a, b);
export const Equal = (a: Tensor, b: Tensor): Tensor => binary('Equal', a, b, 'bool');
export const LessOrEqual = (a: Tensor, b: Tensor): Tensor => binary('LessOrEqual', a, b, 'bool');
export const GreaterOrEqual = (a: Tensor, b: Tensor): Tensor => binary('GreaterOrEqual', a, b, 'bool');
/** Of unsigned integers. */
export const BitwiseXor = (a: Tensor, b: Tensor): Tensor => binary('BitwiseXor', a, b);
export const And = (a: Tensor, b: Tensor): Tensor => binary('And', a, b, 'bool');

const unary = (operator: string) => (x: Tensor): Tensor => emitOne(operator, [x], {}, x.shape);
export const Neg = unary('Neg');
export const Exp = unary('Exp');
export const Log = unary('Log');
export const Sqrt = unary('Sqrt');
export const Reciprocal = unary('Reciprocal');
export const Sigmoid = unary('Sigmoid');
export const Cos = unary('Cos');
export const Sin = unary('Sin');

/** Unsigned integers moved right by so many bits. */
export function BitShift(x: Tensor, bits: Tensor): Tensor {
  return emitOne('BitShift', [x, bits], { direction: 'RIGHT' }, broadcastShapes(x.shape, bits.shape));
}

export function Cast(x: Tensor, to: DType): Tensor {
  return x.dtype === to ? x : emitOne('Cast', [x], { to: { dtype: to } }, x.shape, to);
}

/** `condition ? a : b`, broadcast. */
export function Where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const x = lift(a, condition);
  const y = lift(b, condition);
  const shape = broadcastShapes(condition.shape, broadcastShapes(x.shape, y.shape));
  return emitOne('Where', [condition, x, y], {}, shape, x.dtype);
}

// Broadcasts are summed away by the walker, so each rule is the scalar derivative.
export const elementwiseGradients: GradientRules = {
  Add: (_, [dy]) => [() => dy, () => dy],
  Sub: (_, [dy]) => [() => dy, () => Neg(dy)],
  Mul: ({ inputs: [a, b] }, [dy]) => [() => Mul(dy, b), () => Mul(dy, a)],
  // d(a/b) = da / b - (a/b) db / b
  Div: ({ inputs: [, b], outputs: [y] }, [dy]) => [() => Div(dy, b), () => Neg(Div(Mul(dy, y), b))],
  Neg: (_, [dy]) => [() => Neg(dy)],
  Exp: ({ outputs: [y] }, [dy]) => [() => Mul(dy, y)],
  // d sqrt(x) = dx / (2 sqrt(x))
  Sqrt: ({ outputs: [y] }, [dy]) => [() => Div(Mul(dy, 0.5), y)],
  // d(1/x) = -dx / x^2
  Reciprocal: ({ outputs: [y] }, [dy]) => [() => Neg(Mul(dy, Mul(y, y)))],
  // d sigmoid = y (1 - y) dx
  Sigmoid: ({ outputs: [y] }, [dy]) => [() => Mul(dy, Mul(y, Sub(1, y)))],
  Where: ({ inputs: [condition] }, [dy]) => [undefined, () => Where(condition, dy, 0), () => Where(condition, 0, dy)],
  Cast: ({ inputs: [x] }, [dy]) => [() => Cast(dy, x.dtype)],
  Identity: (_, [dy]) => [() => dy],
};
