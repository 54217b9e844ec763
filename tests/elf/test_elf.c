/* SPDX-License-Identifier: BSD-2-Clause */
/* test_elf.c - ELF files: this very program and the C library, and bytes that are none. */
#include "elf/binary.h"
#include "elf/build.h"
#include "elf/file.h"
#include "elf/symbols.h"
#include "elf/usdt.h"
#include "test.h"
#include <errno.h>
#include <link.h>

static const struct place nowhere;

static int first_object(struct dl_phdr_info *info, size_t size, void *base)
{
	(void)size;
	*(u64 *)base = info->dlpi_addr;
	return 1;
}

TEST(a_function_of_this_program)
{
	u64 off, expected, base = 0;
	struct binary b;

	dl_iterate_phdr(first_object, &base);
	CHECK_EQ(symbol_offset("/proc/self/exe", "main", 4, nowhere, NULL, &off), 0);
	CHECK_EQ(binary_open("/proc/self/exe", nowhere, NULL, &b), 0);
	CHECK(elf_addr_to_off(&b.elf, (u64)(uintptr_t)main - base, &expected));
	CHECK_EQ(off, expected + 4);
	binary_close(&b);
}

TEST(no_such_function)
{
	struct diag dg = {0};
	u64 off = 7;

	CHECK_EQ(symbol_offset("/proc/self/exe", "no_such", 0, nowhere, &dg, &off), -ENOENT);
	CHECK_EQ(off, 7);
	CHECK(strstr(dg.msgs[0].text, "has no function 'no_such'") != NULL);
	diag_free(&dg);
}

static bool libc_path(char *path, size_t size)
{
	return binary_find("libc.so.6", -1, path, size, nowhere, NULL) == 0;
}

TEST(versions_of_exported_functions)
{
	u64 plain, old, newer, malloc_off;
	char path[256];

	if (!libc_path(path, sizeof(path)))
		SKIP("needs libc.so.6");
	CHECK_EQ(symbol_offset(path, "malloc", 0, nowhere, NULL, &malloc_off), 0);
	if (symbol_offset(path, "memcpy@GLIBC_2.2.5", 0, nowhere, NULL, &old))
		SKIP("needs x86-64's glibc");
	CHECK_EQ(symbol_offset(path, "memcpy", 0, nowhere, NULL, &plain), 0);
	CHECK_EQ(symbol_offset(path, "memcpy@@GLIBC_2.14", 0, nowhere, NULL, &newer), 0);
	CHECK_EQ(plain, newer);
	CHECK(old != newer);
	CHECK_EQ(symbol_offset(path, "memcpy@GLIBC_9", 0, nowhere, NULL, &old), -ENOENT);
}

TEST(functions_by_pattern_each_once)
{
	char path[256];
	u64 *offs;
	u32 n;

	if (!libc_path(path, sizeof(path)))
		SKIP("needs libc.so.6");
	CHECK_EQ(symbol_match(path, "str*", nowhere, NULL, &offs, &n), 0);
	CHECK(n > 20);
	for (u32 i = 1; i < n; i++)
		CHECK(offs[i - 1] < offs[i]);
	free(offs);
	CHECK_EQ(symbol_match(path, "no_such_*", nowhere, NULL, &offs, &n), -ENOENT);
}

/* A probe osmia:here as <sys/sdt.h> makes it. */
__attribute__((noinline)) static void probe(void)
{
	__asm__ volatile("990: nop\n"
			 ".pushsection .note.stapsdt,\"?\",\"note\"\n"
			 ".balign 4\n"
			 ".4byte 992f-991f, 994f-993f, 3\n"
			 "991: .asciz \"stapsdt\"\n"
			 "992: .balign 4\n"
			 "993: .8byte 990b\n"
			 ".8byte _.stapsdt.base\n"
			 ".8byte 0\n"
			 ".asciz \"osmia\"\n"
			 ".asciz \"here\"\n"
			 ".asciz \"-4@$7\"\n"
			 "994: .balign 4\n"
			 ".popsection\n"
			 ".ifndef _.stapsdt.base\n"
			 ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
			 ".weak _.stapsdt.base\n"
			 ".hidden _.stapsdt.base\n"
			 "_.stapsdt.base: .space 1\n"
			 ".size _.stapsdt.base, 1\n"
			 ".popsection\n"
			 ".endif\n");
}

TEST(usdt_probes)
{
	struct usdt_site *sites;
	u64 func;
	u32 n;

	probe();
	CHECK_EQ(usdt_find("/proc/self/exe", "osmia", "here", nowhere, NULL, &sites, &n), 0);
	CHECK_EQ(n, 1);
	CHECK_STR(sites[0].args, "-4@$7");
	CHECK_EQ(sites[0].semaphore_off, 0);
	CHECK_EQ(symbol_offset("/proc/self/exe", "probe", 0, nowhere, NULL, &func), 0);
	CHECK(sites[0].off >= func && sites[0].off < func + 64);
	free(sites);
	CHECK_EQ(usdt_find("/proc/self/exe", "osmia", "there", nowhere, NULL, &sites, &n), -ENOENT);
}

TEST(written_files_are_read_back)
{
	static const u8 text[16] = { 1, 2, 3 };

	for (int big = 0; big < 2; big++) {
		struct elf_builder b = { .machine = EM_BPF, .big_endian = big };
		const struct elf_section *s, *rel;
		struct elf_reloc r;
		struct elf_sym sym;
		struct elf_file f;
		void *data;
		size_t size;
		u32 section = elf_add_section(&b, "code", SHT_PROGBITS, SHF_ALLOC, 8, text, 16);
		u32 func = elf_add_sym(&b, (struct elf_out_sym){ .name = "f", .value = 8, .size = 8,
								 .type = STT_FUNC, .bind = STB_GLOBAL,
								 .shndx = section });

		elf_add_reloc(&b, section, 8, func, 1);
		elf_add_reloc(&b, section, 0, elf_section_sym(&b, section), 2);
		CHECK_EQ(elf_build(&b, &data, &size), 0);
		elf_builder_free(&b);
		CHECK_EQ(elf_open(data, size, "x.o", NULL, &f), 0);
		CHECK_EQ(f.big_endian, big);
		s = elf_find(&f, "code");
		CHECK_EQ(elf_section_index(&f, s), section);
		CHECK_MEM(s->data, text, 16);
		rel = elf_find(&f, ".relcode");
		CHECK_EQ(rel->info, section);
		CHECK(elf_reloc(&f, rel, 0, &r));
		CHECK_EQ(r.type, 1);
		CHECK(elf_sym(&f, elf_find_type(&f, SHT_SYMTAB), r.sym, &sym));
		CHECK_STR(sym.name, "f");
		CHECK_EQ(sym.value, 8);
		CHECK(elf_reloc(&f, rel, 1, &r));
		CHECK(elf_sym(&f, elf_find_type(&f, SHT_SYMTAB), r.sym, &sym));
		CHECK_EQ(sym.type, STT_SECTION);
		CHECK(!elf_reloc(&f, rel, 2, &r));
		elf_close(&f);
		free(data);
	}
}

/* Every cut and every changed byte of a small file: an error or a file, never a crash. */
TEST(any_bytes)
{
	struct elf_builder b = { .machine = EM_BPF };
	struct elf_file f;
	void *data;
	size_t size;
	u8 *copy;

	elf_add_section(&b, "a", SHT_PROGBITS, 0, 1, "abc", 3);
	CHECK_EQ(elf_build(&b, &data, &size), 0);
	elf_builder_free(&b);
	for (size_t n = 0; n < size; n++) {
		copy = malloc(n ? n : 1);
		memcpy(copy, data, n);
		if (elf_open(copy, n, "x.o", NULL, &f) == 0)
			elf_close(&f);
		free(copy);
	}
	copy = malloc(size);
	for (size_t i = 0; i < size * 3; i++) {
		static const u8 values[] = { 0, 0x7f, 0xff };

		memcpy(copy, data, size);
		copy[i / 3] = values[i % 3];
		if (elf_open(copy, size, "x.o", NULL, &f) == 0)
			elf_close(&f);
	}
	free(copy);
	free(data);
}
