/* SPDX-License-Identifier: BSD-2-Clause */
/* helper: formats, numbers and text give what the running kernel gives. */
#include "world.h"

enum { OUT = 64, ARGS = 1024, STRS = 2048 };

/* snprintf with up to four arguments, into a buffer of size bytes; both sides print the same. */
static void same_format(const char *fmt, u32 size, u32 n_args, const u64 *args)
{
	static struct world w;

	world_init(&w, BPF_PROG_TYPE_SYSCALL);
	world_text(&w, fmt, (u32)strlen(fmt) + 1);
	w.refusal = "Invalid format string";
	memset(w.data + OUT, 0xaa, 512);
	memcpy(w.data + ARGS, args, n_args * 8);
	SAME(&w, AT(1, DATA, OUT), MOVK(2, size), AT(3, TEXT, 0), AT(4, DATA, ARGS),
	     MOVK(5, n_args * 8), CALLH(HELPER_snprintf), MOVX(6, 0), KEEP(0, 6), DONE());
	world_end(&w);
}

TEST(formats_print_as_the_kernel_prints)
{
	static const char *const fmts[] = {
		"", "plain", "%%", "100%%!", "%d", "%i", "%u", "%x", "%X", "%ld", "%li", "%lu",
			"%lx", "%lX",
		"%lld", "%lli", "%llu", "%llx", "%llX", "%5d|", "%-5d|", "%05d|", "%+d", "% d",
			"%+ 08d|",
		"%-08d|", "%3x|", "%20lx|", "%020lx|", "%-20llX|", "%c", "%5c|", "%-5c|", "%px",
			"%20px|",
		"%-20px|", "%5px|", "%pB|", "%-0+ 12d|", "a%db%dc", "%d %u %x %lx", "%lld %c %d %c",
			"%d%%%d",
		"%12lld%-12lld|", "tab\tnl\n", "%pxabc|%d", "%pB,%d", "%00005d|", "%1d", "%d.",
			"%d%c",
		"%c%c%c%d", "%lx%d%lx%d", "%c%lx%c%x",
	};
	static const u64 sets[][4] = {
		{ 0, 0, 0, 0 },
		{ 1, 2, 3, 4 },
		{ (u64)-1, (u64)-2, 0x8000000000000000, 0x80000000 },
		{ 65, 0x7fffffffffffffff, 66, 123456789012345 },
		{ 0xffffffff00000041, 97, 0x1234, 98 },
	};

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(fmts); i++)
		for (u32 j = 0; j < ARRAY_SIZE(sets); j++) {
			/* %pB of what could be a symbol is the kernel's own affair */
			if (strstr(fmts[i], "%pB") && j == 2)
				continue;
			same_format(fmts[i], 256, 4, sets[j]);
		}
}

TEST(formats_with_a_wild_spec_are_refused_alike)
{
	static const char *const fmts[] = {
		"%", "%d%", "%l", "%lll", "%llld", "%z", "%f", "%s%q", "%n", "%.3d", "%#x", "%*d",
			"%hd", "%hhx",
		"%o", "%e", "%lc", "%ls", "%dz%", "%sx", "%s.", "%s %s", "%p", "%p%", "%p%d", "%pa",
			"%pk", "%pks",
		"%pksx", "%pu", "%pux", "%pI", "%pI5", "%pI4", "%pi6", "%pI6c", "%pI4x", "%ps",
			"%pS", "%pSx", "%pK",
		"%pe", "%pV", "\x01", "a\x7f", "\x80", "\xc3\xa9", "%\xc3", "%d\xa1", "%s\xa1",
			"%s\xc0", "%p\xa1",
		"%p\xe9", "%-", "% ", "%0", "%9", "%99999999999d", "%8388608d", "%70000d",
			"% -0+9llx", "%d %d %d %d",
		"%d %d %d %d %d", "\x1b[0m", "\f\v\r",
	};
	const u64 args[4] = { 0, 0, 0, 0 };

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(fmts); i++)
		same_format(fmts[i], 64, 4, args);
}

TEST(formats_are_cut_as_the_kernel_cuts)
{
	const u64 args[4] = { 1234567, 89, 'x', 0xabcdef };

	NEED_KERNEL();
	for (u32 size = 0; size < 24; size++) {
		same_format("%d-%d-%c-%lx|", size, 4, args);
		same_format("0123456789%5c", size, 1, args);
	}
}

/* String arguments: from the program's own memory and from user memory, short, long and unreadable.
 */
TEST(format_strings_come_from_memory)
{
	static const char *const fmts[] = { "%s|", "%10s|", "%-10s|", "%pks|", "%pus|", "%3s|%d",
		"%s%s", "%s %s %d",
					    "%20pus|", "%c%s%c" };
	static char text[700] = "in user space";
	static struct world w;

	NEED_KERNEL();
	memset(text + 100, 'y', 599);
	for (u32 i = 0; i < ARRAY_SIZE(fmts); i++)
		for (u32 j = 0; j < 5; j++) {
			static const char *const at[] = { text, text + 13, text + 100, NULL,
				(char *)8 };
			const u64 arg = (u64)at[j];

			world_init(&w, BPF_PROG_TYPE_SYSCALL);
			world_text(&w, fmts[i], (u32)strlen(fmts[i]) + 1);
			memset(w.data + OUT, 0xaa, 900);
			for (u32 k = 0; k < 3; k++)
				memcpy(w.data + ARGS + k * 8, &arg, 8);
			SAME(&w, AT(1, DATA, OUT), MOVK(2, 800), AT(3, TEXT, 0), AT(4, DATA, ARGS),
				MOVK(5, 24),
			     CALLH(HELPER_snprintf), MOVX(6, 0), KEEP(0, 6), DONE());
			world_end(&w);
		}
}

TEST(format_reads_own_memory)
{
	static const char *const fmts[] = { "%s|", "%pks|", "%pI4", "%pi4", "%pI6", "%pi6",
		"%pI4x|%pI6" };
	static struct world w;

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(fmts); i++) {
		world_init(&w, BPF_PROG_TYPE_SYSCALL);
		world_text(&w, fmts[i], (u32)strlen(fmts[i]) + 1);
		for (u32 k = 0; k < 16; k++)
			w.data[STRS + k] = (u8)(k * 37 + 9);
		w.data[STRS + 16] = 0;
		SAME(&w, AT(8, DATA, ARGS), AT(7, DATA, STRS), STX(DW, 8, 0, 7), STX(DW, 8, 8, 7),
		     AT(1, DATA, OUT), MOVK(2, 200), AT(3, TEXT, 0), AT(4, DATA, ARGS), MOVK(5, 16),
		     CALLH(HELPER_snprintf), MOVX(6, 0), KEEP(0, 6), AT(8, DATA, ARGS), ST(DW, 8, 0,
		     0),
		     ST(DW, 8, 8, 0), DONE());
		world_end(&w);
	}
}

TEST(format_arguments_have_a_size)
{
	static struct world w;

	NEED_KERNEL();
	for (u32 size = 0; size <= 112; size += 4) {
		world_init(&w, BPF_PROG_TYPE_SYSCALL);
		world_text(&w, "%d", 3);
		w.refusal = size % 8 || size > 96 ? "snprintf#165" : "Invalid format string";
		SAME(&w, AT(1, DATA, OUT), MOVK(2, 20), AT(3, TEXT, 0), AT(4, DATA, ARGS), MOVK(5,
			size),
		     CALLH(HELPER_snprintf), MOVX(6, 0), KEEP(0, 6), DONE());
		world_end(&w);
	}
}

/* trace_printk's result; its text is what snprintf would make, which is compared above. */
static void same_printk(const char *fmt, u32 size)
{
	static struct world w;

	world_init(&w, BPF_PROG_TYPE_SYSCALL);
	world_text(&w, fmt, (u32)strlen(fmt) + 1);
	SAME(&w, AT(1, TEXT, 0), MOVK(2, size), MOVK(3, -7), MOVK(4, 255), MOVK(5, 'q'),
	     CALLH(HELPER_trace_printk), MOVX(6, 0), KEEP(0, 6), AT(1, TEXT, 0), MOVK(2, size),
	     AT(3, DATA, ARGS), MOVK(4, 32), CALLH(HELPER_trace_vprintk), MOVX(6, 0), KEEP(8, 6),
	     DONE());
	world_end(&w);
}

TEST(printk_returns_the_length)
{
	static const char *const fmts[] = { "hi", "%d %x %c\n", "%d %d %d %d", "%5d%5x%5c", "",
		"%q", "%2000d" };

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(fmts); i++) {
		same_printk(fmts[i], (u32)strlen(fmts[i]) + 1);
		same_printk(fmts[i], (u32)strlen(fmts[i]) + 5);
		if (fmts[i][0])
			same_printk(fmts[i], (u32)strlen(fmts[i]));
	}
}

TEST(printk_gives_its_line_to_the_host)
{
	static struct world w;
	static struct outcome out;
	const struct insn insns[] = { AT(1, TEXT, 0), MOVK(2, 20), MOVK(3, -7), MOVK(4, 255),
		MOVK(5, 'q'),
				      CALLH(HELPER_trace_printk), DONE() };

	world_init(&w, BPF_PROG_TYPE_KPROBE);
	memcpy(map_first_value(w.map[TEXT]), "a=%d %x %c", 11);
	CHECK_EQ(user_run(&w, insns, ARRAY_SIZE(insns), true, &out), 0);
	CHECK_STR(w.printed, "a=-7 ff q");
	world_end(&w);
}

static void same_number(u32 helper, const char *text, u32 size, u64 flags)
{
	static struct world w;

	world_init(&w, BPF_PROG_TYPE_SYSCALL);
	memcpy(w.data + OUT, text, size);
	memset(w.data + 8, 0xaa, 8);
	SAME(&w, AT(1, DATA, OUT), MOVK(2, size), WIDE(3, flags), AT(4, DATA, 8), CALLH(helper),
		MOVX(6, 0),
	     KEEP(0, 6), DONE());
	world_end(&w);
}

TEST(numbers_parse_as_in_the_kernel)
{
	static const char *const texts[] = {
		"0", "7", "-7", "+7", "  12", "\t-3 ", "\2405", "0x1f", "0X1F", "0x", "0xg", "x1",
			"017", "08", "0", "- 1",
		"--1", "-", " ", "99abc", "18446744073709551615", "18446744073709551616",
			"9223372036854775807",
		"9223372036854775808", "-9223372036854775808", "-9223372036854775809",
			"ffffffffffffffff",
		"10000000000000000", "1777777777777777777777", "3777777777777777777777", "-0",
			"-0x10", "12:34",
		"00000000000000000000000000000000000000000000000000000000000000000000000000001",
			"1\n", "0x0x1", "af", "AF",
	};
	static const u64 flags[] = { 0, 8, 10, 16, 2, 32, 64 | 10, 1ull << 40 };

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(texts); i++)
		for (u32 j = 0; j < ARRAY_SIZE(flags); j++) {
			u32 len = (u32)strlen(texts[i]);

			same_number(HELPER_strtol, texts[i], len, flags[j]);
			same_number(HELPER_strtoul, texts[i], len, flags[j]);
			same_number(HELPER_strtol, texts[i], len + 1, flags[j]);
		}
}

TEST(strncmp_compares_as_in_the_kernel)
{
	static const char *const texts[] = { "", "a", "b", "ab", "abc", "\xff", "a\xff", "abcdefgh",
		"abcdefgz" };
	static struct world w;

	NEED_KERNEL();
	for (u32 i = 0; i < ARRAY_SIZE(texts); i++)
		for (u32 j = 0; j < ARRAY_SIZE(texts); j++)
			for (u32 size = 1; size < 10; size += 4) {
				world_init(&w, BPF_PROG_TYPE_SYSCALL);
				strcpy((char *)w.data + OUT, texts[i]);
				world_text(&w, texts[j], (u32)strlen(texts[j]) + 1);
				SAME(&w, AT(1, DATA, OUT), MOVK(2, size), AT(3, TEXT, 0),
				     CALLH(HELPER_strncmp), MOVX(6, 0), KEEP(0, 6), DONE());
				world_end(&w);
			}
}
