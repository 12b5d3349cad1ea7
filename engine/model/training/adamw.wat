;; One AdamW step over one adapter's part of the parameters, in one pass over memory: the four arrays (parameters, first and second
;; moment, gradient) are read and three of them written once, where a graph of elementwise operators goes over them a dozen times.
;; Offsets are in bytes; counts are in float32 elements and multiples of 4.
(module
  (memory (export "memory") 1 65536)

  ;; m = beta1 m + firstFactor g
  ;; v = beta2 v + secondFactor g^2
  ;; p = decay p - stepSize m / (sqrt(v) + epsilon)
  (func (export "update")
    (param $p i32) (param $m i32) (param $v i32) (param $g i32) (param $count i32)
    (param $beta1 f32) (param $firstFactor f32) (param $beta2 f32) (param $secondFactor f32)
    (param $stepSize f32) (param $epsilon f32) (param $decay f32)
    (local $end i32) (local $gradient v128) (local $first v128) (local $second v128)
    (local.set $end (i32.add (local.get $p) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
        (local.set $gradient (v128.load (local.get $g)))
        (local.set $first
          (f32x4.add
            (f32x4.mul (f32x4.splat (local.get $beta1)) (v128.load (local.get $m)))
            (f32x4.mul (f32x4.splat (local.get $firstFactor)) (local.get $gradient))))
        (local.set $second
          (f32x4.add
            (f32x4.mul (f32x4.splat (local.get $beta2)) (v128.load (local.get $v)))
            (f32x4.mul (f32x4.splat (local.get $secondFactor)) (f32x4.mul (local.get $gradient) (local.get $gradient)))))
        (v128.store (local.get $m) (local.get $first))
        (v128.store (local.get $v) (local.get $second))
        (v128.store (local.get $p)
          (f32x4.sub
            (f32x4.mul (f32x4.splat (local.get $decay)) (v128.load (local.get $p)))
            (f32x4.mul (f32x4.splat (local.get $stepSize))
              (f32x4.div (local.get $first)
                (f32x4.add (f32x4.sqrt (local.get $second)) (f32x4.splat (local.get $epsilon)))))))
        (local.set $p (i32.add (local.get $p) (i32.const 16)))
        (local.set $m (i32.add (local.get $m) (i32.const 16)))
        (local.set $v (i32.add (local.get $v) (i32.const 16)))
        (local.set $g (i32.add (local.get $g) (i32.const 16)))
        (br $next))))

  ;; The sum of g^2, added up in float64.
  (func (export "sumOfSquares") (param $g i32) (param $count i32) (result f64)
    (local $end i32) (local $squares v128) (local $low v128) (local $high v128)
    (local.set $end (i32.add (local.get $g) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $g) (local.get $end)))
        (local.set $squares (v128.load (local.get $g)))
        (local.set $squares (f32x4.mul (local.get $squares) (local.get $squares)))
        (local.set $low (f64x2.add (local.get $low) (f64x2.promote_low_f32x4 (local.get $squares))))
        (local.set $high
          (f64x2.add (local.get $high)
            (f64x2.promote_low_f32x4
              (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $squares) (local.get $squares)))))
        (local.set $g (i32.add (local.get $g) (i32.const 16)))
        (br $next)))
    (local.set $low (f64x2.add (local.get $low) (local.get $high)))
    (f64.add (f64x2.extract_lane 0 (local.get $low)) (f64x2.extract_lane 1 (local.get $low))))

  ;; sum = sum + part
  (func (export "accumulate") (param $sum i32) (param $part i32) (param $count i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $sum) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $sum) (local.get $end)))
        (v128.store (local.get $sum) (f32x4.add (v128.load (local.get $sum)) (v128.load (local.get $part))))
        (local.set $sum (i32.add (local.get $sum) (i32.const 16)))
        (local.set $part (i32.add (local.get $part) (i32.const 16)))
        (br $next)))))
