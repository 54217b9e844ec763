r1 = r2
mov r1, r2
w1 = w2
r1 = -5
r1 = 0xfffffffb
w3 = 7
(b4) w3 = 7
r1 += r2
r1 s>>= 3
w1 <<= w2
r1 s/= r2
r4 = -r4
w4 = -w4
r1 = (s8)r2
w1 = (s16)w2
r1 = (s32)r2
r1 = be16 r1
r1 = le64 r1
r1 = bswap32 r1
r1 = *(u64 *)(r10 -8)
r1 = *(u64 *)(r10 - 8)
r1 = *(u8 *)(r2 +0)
w1 = *(u8 *)(r2 + 0)
r1 = *(s16 *)(r2 +0x10)
*(u32 *)(r10 -4) = r3
*(u32 *)(r10 - 4) = w3
*(u16 *)(r10 -4) = 258
lock *(u64 *)(r1 +8) += r2
lock *(u32 *)(r1 +8) ^= w2
r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)
r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)
w2 = atomic_fetch_or((u32 *)(r1 + 0), w2)
r2 = atomic64_xchg((u64 *)(r1 +0), r2)
r2 = xchg_64(r1 + 0, r2)
r0 = atomic_cmpxchg((u32 *)(r1 +4), r0, r2)
w0 = cmpxchg32_32(r1 + 4, w0, w2)
r3 = load_acquire((u16 *)(r1 +2))
store_release((u8 *)(r1 -2), r3)
r1 = addr_space_cast(r2, 0, 1)
r1 = addr_space_cast(r2, 0x1, 0x0)
r0 = *(u16 *)skb[12]
ldabsh 12
r0 = *(u8 *)skb[r6 + -4]
if r1 > 0x5 goto pc+3
if r1 > 5 goto +3 <LBB0_2>
if w1 s>= w2 goto pc-4
if r1 & 0xffffffff goto pc+0
if r1 == r2 goto pc+1
goto pc-1
ja -1
gotol pc+70000
ja32 +70000
may_goto pc+1
call bpf_map_lookup_elem#1
call bpf_map_lookup_elem
call map_lookup_elem
call unknown#77
call 6
call helper 6
call pc+5
call local -1
call kernel-function#1234
call bpf_obj_new_impl#1234
call runtime 1234
callx r2
exit
r1 = 0x1122334455667788 ll
(18) r1 = 0x5
r1 = map[fd:4]
r1 = map[fd:4][0]+16
r1 = map[idx:2]
r1 = map[idx:2][0]+16
r1 = btf[fd:3][id:99]
r1 = subprog[+5]
.insn 8d 02 00 00 00 00 00 00
12: (bf) r1 = r2  ; R1_w=5
       3:	bf 21 00 00 00 00 00 00	r1 = r2
	exit # done
exit // done

