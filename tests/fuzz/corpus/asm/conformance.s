mov %r1, %r2
mov32 %r1, %r2
arsh %r1, 3
sdiv %r1, %r2
w1 s%= 5
smod32 %r1, 5
neg %r4
movsx864 %r1, %r2
be16 %r1
swap32 %r1
ldxdw %r1, [%r10-8]
ldxb %r1, [%r2]
ldxsh %r1, [%r2+0x10]
stxw [%r10-4], %r3
sth [%r10-4], 258
lock add [%r1+8], %r2
lock xor32 [%r1+8], %r2
lock fetch add [%r1], %r2
lock xchg [%r1], %r2
lock cmpxchg32 [%r1+4], %r2
ldindb %r6, -4
jgt %r1, 5, +3
jsge32 %r1, %r2, -4
call %r2
lddw %r1, 0x1122334455667788
lddw %r1, -2
