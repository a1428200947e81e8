// SHA-256 of sixteen messages at a time: lane i of every register belongs to
// message i. The rounds are those of FIPS 180-4, section 6.2.2; there is one
// message in each 32-bit lane instead of one in each register, so a round is a
// handful of instructions for all sixteen.

#include "textflag.h"

// swap turns the words of a message from big-endian to little-endian.
DATA swap<>+0(SB)/8, $0x0405060700010203
DATA swap<>+8(SB)/8, $0x0c0d0e0f08090a0b
DATA swap<>+16(SB)/8, $0x0405060700010203
DATA swap<>+24(SB)/8, $0x0c0d0e0f08090a0b
DATA swap<>+32(SB)/8, $0x0405060700010203
DATA swap<>+40(SB)/8, $0x0c0d0e0f08090a0b
DATA swap<>+48(SB)/8, $0x0405060700010203
DATA swap<>+56(SB)/8, $0x0c0d0e0f08090a0b
GLOBL swap<>(SB), RODATA|NOPTR, $64

// VPTERNLOGD's tables: exclusive or of three, choose, majority.
#define XOR3 $0x96
#define CHOOSE $0xca
#define MAJORITY $0xe8

// ROUND is round i with the message word w; k points to the constants.
#define ROUND(a, b, c, d, e, f, g, h, w, i) \
	VPADDD.BCST (i*4)(BX), w, Z12;   \
	VPRORD      $6, e, Z8;           \
	VPRORD      $11, e, Z9;          \
	VPRORD      $25, e, Z10;         \
	VMOVDQA32   e, Z11;              \
	VPADDD      Z12, h, h;           \
	VPTERNLOGD  XOR3, Z9, Z10, Z8;   \
	VPTERNLOGD  CHOOSE, g, f, Z11;   \
	VPADDD      Z8, h, h;            \
	VPRORD      $2, a, Z13;          \
	VPRORD      $13, a, Z14;         \
	VPRORD      $22, a, Z15;         \
	VPADDD      Z11, h, h;           \
	VMOVDQA32   a, Z9;               \
	VPTERNLOGD  XOR3, Z14, Z15, Z13; \
	VPTERNLOGD  MAJORITY, c, b, Z9;  \
	VPADDD      h, d, d;             \
	VPADDD      Z13, h, h;           \
	VPADDD      Z9, h, h

// NEXT makes w the message word sixteen rounds later; w1, w9 and w14 are the
// words 1, 9 and 14 places after it.
#define NEXT(w, w1, w9, w14) \
	VPRORD     $7, w1, Z8;          \
	VPRORD     $18, w1, Z9;         \
	VPSRLD     $3, w1, Z10;         \
	VPADDD     w9, w, w;            \
	VPRORD     $17, w14, Z11;       \
	VPRORD     $19, w14, Z12;       \
	VPSRLD     $10, w14, Z13;       \
	VPTERNLOGD XOR3, Z9, Z10, Z8;   \
	VPTERNLOGD XOR3, Z12, Z13, Z11; \
	VPADDD     Z8, w, w;            \
	VPADDD     Z11, w, w

// LOAD reads the next 64 bytes of message i, at R9, into w.
#define LOAD(i, w) \
	MOVQ      (i*8)(DI), AX;   \
	VMOVDQU32 (AX)(R9*1), w;   \
	VPSHUFB   Z15, w, w

// PAIR and QUAD are the first two steps of a transposition, within 128 bits.
#define PAIR(a, b, low, high) \
	VPUNPCKLDQ b, a, low;  \
	VPUNPCKHDQ b, a, high

#define QUAD(low0, high0, low1, high1, a, b, c, d) \
	VPUNPCKLQDQ low1, low0, a;   \
	VPUNPCKHQDQ low1, low0, b;   \
	VPUNPCKLQDQ high1, high0, c; \
	VPUNPCKHQDQ high1, high0, d

// SPREAD is its last step, across the 128-bit parts: from the same four
// columns of rows 0-3, 4-7, 8-11 and 12-15 to four whole columns.
#define SPREAD(a, b, c, d) \
	VSHUFI32X4 $0x88, b, a, Z0;  \
	VSHUFI32X4 $0xdd, b, a, Z1;  \
	VSHUFI32X4 $0x88, d, c, Z2;  \
	VSHUFI32X4 $0xdd, d, c, Z3;  \
	VSHUFI32X4 $0x88, Z2, Z0, a; \
	VSHUFI32X4 $0x88, Z3, Z1, b; \
	VSHUFI32X4 $0xdd, Z2, Z0, c; \
	VSHUFI32X4 $0xdd, Z3, Z1, d

// func blocks16(state *[8][16]uint32, data *[16]unsafe.Pointer, k *[64]uint32, n int)
TEXT ·blocks16(SB), NOSPLIT, $0-32
	MOVQ state+0(FP), SI
	MOVQ data+8(FP), DI
	MOVQ k+16(FP), DX
	MOVQ n+24(FP), CX
	XORQ R9, R9

block:
	VMOVDQU32 swap<>(SB), Z15
	LOAD(0, Z16)
	LOAD(1, Z17)
	LOAD(2, Z18)
	LOAD(3, Z19)
	LOAD(4, Z20)
	LOAD(5, Z21)
	LOAD(6, Z22)
	LOAD(7, Z23)
	LOAD(8, Z24)
	LOAD(9, Z25)
	LOAD(10, Z26)
	LOAD(11, Z27)
	LOAD(12, Z28)
	LOAD(13, Z29)
	LOAD(14, Z30)
	LOAD(15, Z31)

	// Rows become columns: Z16 is then word 0 of all messages, Z31 word 15.
	PAIR(Z16, Z17, Z0, Z1)
	PAIR(Z18, Z19, Z2, Z3)
	PAIR(Z20, Z21, Z4, Z5)
	PAIR(Z22, Z23, Z6, Z7)
	PAIR(Z24, Z25, Z8, Z9)
	PAIR(Z26, Z27, Z10, Z11)
	PAIR(Z28, Z29, Z12, Z13)
	PAIR(Z30, Z31, Z14, Z15)
	QUAD(Z0, Z1, Z2, Z3, Z16, Z17, Z18, Z19)
	QUAD(Z4, Z5, Z6, Z7, Z20, Z21, Z22, Z23)
	QUAD(Z8, Z9, Z10, Z11, Z24, Z25, Z26, Z27)
	QUAD(Z12, Z13, Z14, Z15, Z28, Z29, Z30, Z31)
	SPREAD(Z16, Z20, Z24, Z28)
	SPREAD(Z17, Z21, Z25, Z29)
	SPREAD(Z18, Z22, Z26, Z30)
	SPREAD(Z19, Z23, Z27, Z31)

	VMOVDQU32 0(SI), Z0
	VMOVDQU32 64(SI), Z1
	VMOVDQU32 128(SI), Z2
	VMOVDQU32 192(SI), Z3
	VMOVDQU32 256(SI), Z4
	VMOVDQU32 320(SI), Z5
	VMOVDQU32 384(SI), Z6
	VMOVDQU32 448(SI), Z7

	MOVQ DX, BX
	MOVQ $3, R8

rounds:
	ROUND(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z16, 0)
	NEXT(Z16, Z17, Z25, Z30)
	ROUND(Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z17, 1)
	NEXT(Z17, Z18, Z26, Z31)
	ROUND(Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z18, 2)
	NEXT(Z18, Z19, Z27, Z16)
	ROUND(Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z19, 3)
	NEXT(Z19, Z20, Z28, Z17)
	ROUND(Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z20, 4)
	NEXT(Z20, Z21, Z29, Z18)
	ROUND(Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z21, 5)
	NEXT(Z21, Z22, Z30, Z19)
	ROUND(Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z22, 6)
	NEXT(Z22, Z23, Z31, Z20)
	ROUND(Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z23, 7)
	NEXT(Z23, Z24, Z16, Z21)
	ROUND(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z24, 8)
	NEXT(Z24, Z25, Z17, Z22)
	ROUND(Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z25, 9)
	NEXT(Z25, Z26, Z18, Z23)
	ROUND(Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z26, 10)
	NEXT(Z26, Z27, Z19, Z24)
	ROUND(Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z27, 11)
	NEXT(Z27, Z28, Z20, Z25)
	ROUND(Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z28, 12)
	NEXT(Z28, Z29, Z21, Z26)
	ROUND(Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z29, 13)
	NEXT(Z29, Z30, Z22, Z27)
	ROUND(Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z30, 14)
	NEXT(Z30, Z31, Z23, Z28)
	ROUND(Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z31, 15)
	NEXT(Z31, Z16, Z24, Z29)
	ADDQ $64, BX
	DECQ R8
	JNZ  rounds

	// The last sixteen rounds make no more words.
	ROUND(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z16, 0)
	ROUND(Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z17, 1)
	ROUND(Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z18, 2)
	ROUND(Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z19, 3)
	ROUND(Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z20, 4)
	ROUND(Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z21, 5)
	ROUND(Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z22, 6)
	ROUND(Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z23, 7)
	ROUND(Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z24, 8)
	ROUND(Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z25, 9)
	ROUND(Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z5, Z26, 10)
	ROUND(Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z4, Z27, 11)
	ROUND(Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z3, Z28, 12)
	ROUND(Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z2, Z29, 13)
	ROUND(Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z1, Z30, 14)
	ROUND(Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z0, Z31, 15)

	VPADDD 0(SI), Z0, Z0
	VPADDD 64(SI), Z1, Z1
	VPADDD 128(SI), Z2, Z2
	VPADDD 192(SI), Z3, Z3
	VPADDD 256(SI), Z4, Z4
	VPADDD 320(SI), Z5, Z5
	VPADDD 384(SI), Z6, Z6
	VPADDD 448(SI), Z7, Z7
	VMOVDQU32 Z0, 0(SI)
	VMOVDQU32 Z1, 64(SI)
	VMOVDQU32 Z2, 128(SI)
	VMOVDQU32 Z3, 192(SI)
	VMOVDQU32 Z4, 256(SI)
	VMOVDQU32 Z5, 320(SI)
	VMOVDQU32 Z6, 384(SI)
	VMOVDQU32 Z7, 448(SI)

	ADDQ $64, R9
	DECQ CX
	JNZ  block
	VZEROUPPER
	RET
