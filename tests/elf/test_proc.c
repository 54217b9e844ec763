/* SPDX-License-Identifier: BSD-2-Clause */
/* test_proc.c - texts of the kernel: mappings of a process, the kernel's symbols. */
#include "elf/kallsyms.h"
#include "elf/maps.h"
#include "test.h"
#include <errno.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static FILE *text_file(const char *text)
{
	FILE *f = tmpfile();

	CHECK(f != NULL);
	fputs(text, f);
	rewind(f);
	return f;
}

TEST(mappings_of_a_text)
{
	FILE *f = text_file("00400000-00452000 r-xp 00001000 fe:02 173521      /usr/bin/a b (deleted)\n"
			    "7ffe-8ffe rw-p 00000000 00:00 0 \n"
			    "7fff0000-7fff2000 r-xp 00000000 00:00 0                          [vdso]\n");
	struct mapping m;

	CHECK(mapping_next(f, &m));
	CHECK_EQ(m.from, 0x400000);
	CHECK_EQ(m.to, 0x452000);
	CHECK_EQ(m.off, 0x1000);
	CHECK_EQ(m.dev, makedev(0xfe, 2));
	CHECK_EQ(m.ino, 173521);
	CHECK(m.exec && !m.write);
	CHECK_STR(m.path, "/usr/bin/a b (deleted)");
	CHECK(mapping_next(f, &m));
	CHECK(!m.exec && m.write && !m.ino);
	CHECK_STR(m.path, "");
	CHECK(mapping_next(f, &m));
	CHECK_STR(m.path, "[vdso]");
	CHECK(!mapping_next(f, &m));
	fclose(f);
}

/* PATH_MAX newlines take four characters each; the line behind is not lost. */
TEST(mappings_with_long_paths)
{
	FILE *f = tmpfile();
	struct mapping m;

	CHECK(f != NULL);
	fputs("1000-2000 r-xp 00000000 00:01 7 /", f);
	for (int i = 0; i < 4000; i++)
		fputs("\\012", f);
	fputs("\n2000-3000 r-xp 00000000 00:01 8 /next\n", f);
	rewind(f);
	CHECK(mapping_next(f, &m));
	CHECK_EQ(m.ino, 7);
	CHECK(mapping_next(f, &m));
	CHECK_STR(m.path, "/next");
	fclose(f);
}

TEST(mapping_of_this_program)
{
	struct mapping m;

	CHECK(mapping_of(getpid(), (u64)main, &m));
	CHECK(m.exec && m.from <= (u64)main && (u64)main < m.to);
	CHECK(!mapping_of(getpid(), 1, &m));
	CHECK(!mapping_of(0x7ffffff0, 1, &m));
}

TEST(kernel_symbols_of_a_text)
{
	char plain[] = "ffffffff81000000 T _stext\n", module[] = "ffffffffc0001000 d x.0\t[loop]\n";
	char bad[][32] = { "", "\n", "ffff", "ffff T", "ffff T \n", "name T x\n", "ffff TT x\n" };
	struct kallsym s;

	CHECK(kallsym_parse(plain, &s));
	CHECK_EQ(s.addr, 0xffffffff81000000);
	CHECK_EQ(s.type, 'T');
	CHECK_STR(s.name, "_stext");
	CHECK(kallsym_parse(module, &s));
	CHECK_EQ(s.type, 'd');
	CHECK_STR(s.name, "x.0");
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!kallsym_parse(bad[i], &s));
}

static int stop_at_third(void *arg, const struct kallsym *sym)
{
	return *sym->name && ++*(int *)arg == 3 ? 42 : 0;
}

TEST(kernel_symbols_end_when_told)
{
	int n = 0, ret = kallsyms_each(stop_at_third, &n);

	if (ret < 0)
		SKIP("needs /proc/kallsyms");
	CHECK_EQ(ret, 42);
	CHECK_EQ(n, 3);
}
