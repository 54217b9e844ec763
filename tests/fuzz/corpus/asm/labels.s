r0 = 0
again: r0 += 1
if r0 < 10 goto again
call f
r1 = f ll
ja exit
exit
f: r0 *= 2
exit
