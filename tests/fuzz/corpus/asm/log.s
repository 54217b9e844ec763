; int main()
0: (b7) r0 = 1                        ; R0_w=1
1: (18) r1 = 0x5
3: (95) exit
