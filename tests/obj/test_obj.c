/* SPDX-License-Identifier: BSD-2-Clause */
/* test_obj.c - objects compiled by clang: opened, completed, written, opened again. */
#include "abi/uapi.h"
#include "btf/btf.h"
#include "obj/dump.h"
#include "elf/build.h"
#include "obj/obj.h"
#include "test.h"
#include "equal.h"
#include <dirent.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static void check_message(const struct diag *dg, const char *text)
{
	for (u32 i = 0; i < dg->n; i++)
		if (strstr(dg->msgs[i].text, text))
			return;
	fail_msg("no message holds '%s', the first is '%s'", text, dg->n ? dg->msgs[0].text : "");
}

/* Compiles tests/obj/NAME.bpf.c, or the text where given.  NULL where clang is missing. */
static struct obj *compile(const char *name, const char *text, const char *flags)
{
	char dir[] = "/tmp/osmia-test-XXXXXX", command[1024], path[64], source[256];
	struct diag dg = {0};
	struct obj *o = NULL;
	int err;

	if (system("clang --version >/dev/null 2>&1") || !mkdtemp(dir))
		return NULL;
	snprintf(path, sizeof(path), "%s/%s.bpf.o", dir, name);
	if (text) {
		FILE *f;

		snprintf(source, sizeof(source), "%s/%s.bpf.c", dir, name);
		f = fopen(source, "w");
		CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
	} else {
		snprintf(source, sizeof(source), "%.*s%s.bpf.c",
			 (int)(strrchr(__FILE__, '/') + 1 - __FILE__), __FILE__, name);
	}
	snprintf(command, sizeof(command),
		 "clang -O2 -mcpu=v3 -target bpf -Wno-everything %s -c %s -o %s", flags, source, path);
	CHECK_EQ(system(command), 0);
	err = obj_open_file(path, &dg, &o);
	unlink(path);
	if (text)
		unlink(source);
	rmdir(dir);
	if (err)
		fail_msg("%s: %s", name, dg.n ? dg.msgs[0].text : "no message");
	diag_free(&dg);
	return o;
}

#define COMPILE(name, text, flags)                 \
	struct obj *o = compile(name, text, flags); \
	if (!o)                                    \
	SKIP("needs clang")

/* Opens what obj_write() makes of it. */
static struct obj *reopen(const struct obj *o)
{
	struct diag dg = {0};
	struct obj *again;
	void *data;
	size_t size;

	CHECK_EQ(obj_write(o, &dg, &data, &size), 0);
	if (obj_open(data, size, o->path, &dg, &again))
		fail_msg("%s: %s", o->path, dg.msgs[0].text);
	free(data);
	diag_free(&dg);
	return again;
}

static void check_round_trip(const struct obj *o)
{
	struct obj *again = reopen(o);
	struct str why = {0};

	if (!objs_equal(o, again, &why))
		fail_msg("%s: differs in %s", o->path, str_text(&why));
	obj_free(again);
	str_free(&why);
}

static void check_kernel_takes_btf(const struct obj *o)
{
	struct diag dg = {0};
	struct btf *btf;
	union bpf_attr attr = {0};
	u32 size;
	int fd;

	CHECK_EQ(obj_kernel_btf(o, &dg, &btf), 0);
	CHECK_EQ(btf_n_types(btf) >= btf_n_types(o->btf), 1);
	attr.btf = (u64)(uintptr_t)btf_raw(btf, &size);
	attr.btf_size = size;
	fd = syscall(SYS_bpf, BPF_BTF_LOAD, &attr, sizeof(attr));
	if (fd < 0 && errno != EPERM && errno != ENOSYS)
		fail_msg("%s: the kernel refuses its BTF: %s", o->path, strerror(errno));
	if (fd >= 0)
		close(fd);
	btf_free(btf);
	diag_free(&dg);
}

TEST(maps_of_every_form)
{
	COMPILE("maps", NULL, "-g");
	const struct obj_map *m = obj_find_map(o, "counts");

	CHECK_EQ(m->type, BPF_MAP_TYPE_HASH);
	CHECK_EQ(m->key_size, 20);
	CHECK_EQ(m->value_size, 16);
	CHECK_EQ(m->max_entries, 1024);
	CHECK_EQ(m->flags, 1);
	CHECK_EQ(m->pinning, 1);
	CHECK_STR(btf_name(o->btf, m->btf_key_id), "key");
	m = obj_find_map(o, "bloom");
	CHECK_EQ(m->extra, 3);
	m = obj_find_map(o, "outer");
	CHECK_EQ(m->value_size, 4);
	CHECK(m->inner != NULL);
	CHECK_STR(m->inner->name, "outer.inner");
	CHECK_EQ(m->inner->max_entries, 4);
	CHECK_EQ(m->n_inits, 2);
	CHECK_EQ(m->inits[1].slot, 2);
	CHECK_STR(o->maps[m->inits[1].index].name, "inner2");
	m = obj_find_map(o, "progs");
	CHECK_EQ(m->n_inits, 2);
	CHECK_EQ(m->inits[1].slot, 4);
	CHECK(m->inits[1].is_func);
	CHECK_STR(o->funcs[m->inits[1].index].name, "tail2");
	CHECK(o->funcs[0].autoload);
	CHECK(!obj_find_func(o, "tail2")->autoload);
	check_round_trip(o);
	check_kernel_takes_btf(o);
	obj_free(o);
}

TEST(data_sections)
{
	COMPILE("maps", NULL, "-g");
	const struct obj_map *m = obj_find_map(o, ".rodata");

	CHECK_STR(m->real_name, "maps.rodata");
	CHECK_EQ(m->kind, OBJ_MAP_RODATA);
	CHECK_EQ(m->flags, BPF_F_RDONLY_PROG | BPF_F_MMAPABLE);
	CHECK_EQ(btf_size(o->btf, m->btf_value_id), m->value_size);
	m = obj_find_map(o, ".data.custom");
	CHECK_STR(m->real_name, ".data.custom");
	CHECK_EQ(m->data[0], 9);
	m = obj_find_map(o, ".bss");
	CHECK_EQ(m->kind, OBJ_MAP_BSS);
	CHECK_EQ(m->data_size, m->value_size);
	obj_free(o);
}

TEST(externs_in_libbpfs_order)
{
	COMPILE("maps", NULL, "-g");
	const struct obj_extern *e = o->externs;

	CHECK_EQ(o->n_externs, 6);
	CHECK_STR(e[0].name, "LINUX_KERNEL_VERSION");
	CHECK_EQ(e[0].kconfig_off, 0);
	CHECK_STR(e[1].name, "CONFIG_BPF_SYSCALL");
	CHECK_EQ(e[1].kconfig_off, 4);
	CHECK_STR(e[2].name, "CONFIG_NAME");
	CHECK_EQ(e[2].kconfig_off, 5);
	CHECK_STR(e[3].name, "some_kfunc");
	CHECK(e[3].is_func && e[3].is_weak);
	CHECK_STR(e[4].name, "typed_symbol");
	CHECK(e[4].type_id != 0);
	CHECK_STR(e[5].name, "typeless_symbol");
	CHECK_EQ(e[5].type_id, 0);
	CHECK_EQ(obj_find_map(o, ".kconfig")->value_size, 21);
	obj_free(o);
}

TEST(functions_and_calls)
{
	COMPILE("funcs", NULL, "-g");
	const struct obj_func *f = obj_find_func(o, "first");
	u32 calls = 0, callbacks = 0;

	CHECK(f->is_prog && f->is_global);
	for (u32 i = 0; i < f->n_relocs; i++) {
		calls += f->relocs[i].kind == RELOC_CALL;
		callbacks += f->relocs[i].kind == RELOC_FUNC &&
			     strcmp(o->funcs[f->relocs[i].index].name, "callback") == 0;
	}
	CHECK_EQ(calls, 4);
	CHECK_EQ(callbacks, 1);
	/* A call inside one section has a relocation too. */
	f = obj_find_func(o, "add_global");
	CHECK(!f->is_prog && f->is_global);
	CHECK_EQ(f->n_relocs, 1);
	CHECK_STR(o->funcs[f->relocs[0].index].name, "twice");
	CHECK(!obj_find_func(o, "twice")->is_global);
	CHECK(obj_find_func(o, "add_weak")->is_weak);
	CHECK(!obj_find_func(o, "add_hidden")->is_global);
	for (u32 i = 0; i < o->n_funcs; i++) {
		CHECK_STR(btf_name(o->btf, o->funcs[i].btf_func_id), o->funcs[i].name);
		CHECK(o->funcs[i].n_lines > 0);
	}
	check_round_trip(o);
	check_kernel_takes_btf(o);
	obj_free(o);
}

TEST(struct_ops)
{
	COMPILE("funcs", NULL, "-g");
	const struct obj_map *m = obj_find_map(o, "ops");

	CHECK_EQ(m->kind, OBJ_MAP_STRUCT_OPS);
	CHECK(m->is_link && m->autocreate);
	CHECK_EQ(m->n_inits, 2);
	CHECK_STR(o->funcs[m->inits[0].index].name, "ops_init");
	CHECK_EQ(m->inits[1].slot, 16);
	CHECK_EQ(m->data[8], 5);
	m = obj_find_map(o, "ops_later");
	CHECK(!m->is_link && !m->autocreate);
	obj_free(o);
}

TEST(big_endian_objects)
{
	COMPILE("funcs", NULL, "-g -target bpfeb");

	CHECK(o->big_endian);
	CHECK_EQ(obj_find_func(o, "twice")->insns[2].code, CLS_JMP | JMP_EXIT);
	check_round_trip(o);
	obj_free(o);
}

TEST(legacy_maps_without_btf)
{
	COMPILE("legacy", NULL, "");
	const struct obj_map *m = obj_find_map(o, "second");

	CHECK(o->btf == NULL);
	CHECK_EQ(o->n_maps, 2);
	CHECK_EQ(m->type, BPF_MAP_TYPE_ARRAY);
	CHECK_EQ(m->value_size, 16);
	CHECK_EQ(m->section_off, 28);
	CHECK_EQ(o->kern_version, 0x60100);
	CHECK_EQ(o->funcs[0].n_relocs, 2);
	check_round_trip(o);
	obj_free(o);
}

/* Newer clangs put them into two sections of one name, which differ in their flags. */
TEST(writable_and_read_only_rodata)
{
	static const char text[] =
		"char faild[] __attribute__((section(\".rodata\"))) = \"failed\";\n"
		"static long (*print)(const char *f, unsigned n, ...) = (void *)6;\n"
		"__attribute__((section(\"raw_tp/x\"))) int prog(void *c)\n"
		"{ static const char fmt[] = \"%s\"; print(fmt, 3, faild); return 0; }\n";
	COMPILE("two", text, "-g");
	const struct obj_func *f = o->funcs;
	u32 total = 0;

	for (u32 i = 0; i < o->n_maps; i++) {
		const struct obj_map *m = &o->maps[i];

		CHECK_STR(m->name, ".rodata");
		total += m->value_size;
		CHECK_EQ(btf_size(o->btf, m->btf_value_id), m->value_size);
	}
	CHECK_EQ(total, 10);
	CHECK_EQ(f->n_relocs, 2);
	for (u32 i = 0; i < 2; i++) {
		const struct obj_map *m = &o->maps[f->relocs[i].index];
		const char *s = (char *)m->data + f->relocs[i].addend;

		CHECK(strcmp(s, "failed") == 0 || strcmp(s, "%s") == 0);
	}
	check_round_trip(o);
	check_kernel_takes_btf(o);
	obj_free(o);
}

TEST(variables_are_set_by_their_type)
{
	COMPILE("maps", NULL, "-g");
	struct diag dg = {0};
	u8 *rodata = obj_find_map(o, ".rodata")->data, *data = obj_find_map(o, ".data")->data;
	s32 pid;

	CHECK_EQ(obj_set_var(o, "targ_pid", "-42", &dg), 0);
	memcpy(&pid, rodata, 4);
	CHECK_EQ(pid, -42);
	CHECK_EQ(obj_set_var(o, "verbose", "true", &dg), 0);
	CHECK_EQ(rodata[4], 1);
	CHECK_EQ(obj_set_var(o, "name", "cat", &dg), 0);
	CHECK_MEM(rodata + 5, "cat\0\0\0\0\0", 8);
	CHECK_EQ(obj_set_var(o, "name[1]", "'u'", &dg), 0);
	CHECK_MEM(rodata + 5, "cut", 4);
	CHECK_EQ(obj_set_var(o, "tri", "TRI_MODULE", &dg), 0);
	CHECK_EQ(rodata[16], 2);
	CHECK_EQ(obj_set_var(o, "limits[1].count", "0x1122334455", &dg), 0);
	CHECK_EQ(rodata[24 + 16], 0x55);
	CHECK_EQ(obj_set_var(o, "limits[0].flags", "5", &dg), 0);
	CHECK_EQ(rodata[24 + 8], 5);
	CHECK_EQ(obj_set_var(o, "limits[0].rest", "1", &dg), 0);
	CHECK_EQ(rodata[24 + 8], 13);
	CHECK_EQ(obj_set_var(o, "hits", "12", &dg), 0);
	CHECK_EQ(data[0], 12);
	CHECK_EQ(dg.n, 0);
	CHECK_EQ(obj_set_var(o, "limits[0].flags", "8", &dg), -ERANGE);
	CHECK_EQ(obj_set_var(o, "limits[2].flags", "1", &dg), -ERANGE);
	CHECK_EQ(obj_set_var(o, "targ_pid", "4294967296", &dg), -ERANGE);
	CHECK_EQ(obj_set_var(o, "targ_pid", "many", &dg), -EINVAL);
	CHECK_EQ(obj_set_var(o, "name", "eight ch", &dg), -ERANGE);
	CHECK_EQ(obj_set_var(o, "tri", "TRI_MAYBE", &dg), -EINVAL);
	CHECK_EQ(obj_set_var(o, "limits[0].none", "1", &dg), -ENOENT);
	CHECK_EQ(obj_set_var(o, "targ_pd", "1", &dg), -ENOENT);
	check_message(&dg, "there is targ_pid");
	diag_free(&dg);
	obj_free(o);
}

/* gcc 12 writes BTF that the kernel refuses as it is. */
TEST(objects_of_gcc)
{
	char dir[] = "/tmp/osmia-test-XXXXXX", command[1024], path[64];
	struct diag dg = {0};
	struct obj *o;

	if (system("bpf-gcc --version >/dev/null 2>&1") || !mkdtemp(dir))
		SKIP("needs gcc-bpf");
	snprintf(path, sizeof(path), "%s/maps.o", dir);
	snprintf(command, sizeof(command), "bpf-gcc -O2 -gbtf -w -x c -c - -o %s <<'END'\n%s\nEND",
		 path,
		 "struct { int (*type)[2]; int (*key)[1]; int (*max_entries)[3]; int (*value_size)[8]; } m\n"
		 "__attribute__((section(\".maps\"), used));\n"
		 "static void *(*lookup)(void *, const void *) = (void *)1;\n"
		 "int hits __attribute__((section(\".data\"))) = 3;\n"
		 "__attribute__((section(\"socket\"), used)) int prog(void *ctx)\n"
		 "{ int key = 0; return lookup(&m, &key) != 0 && hits; }\n"
		 "char l[] __attribute__((section(\"license\"), used)) = \"GPL\";\n");
	CHECK_EQ(system(command), 0);
	if (obj_open_file(path, &dg, &o))
		fail_msg("%s", dg.msgs[0].text);
	CHECK_EQ(obj_find_map(o, "m")->type, BPF_MAP_TYPE_ARRAY);
	CHECK_EQ(obj_find_map(o, ".data")->data[0], 3);
	CHECK_EQ(obj_find_func(o, "prog")->n_relocs, 2);
	check_round_trip(o);
	check_kernel_takes_btf(o);
	obj_free(o);
	diag_free(&dg);
	unlink(path);
	rmdir(dir);
}

TEST(refuses_what_is_no_object)
{
	struct diag dg = {0};
	struct obj *o = NULL;

	CHECK_EQ(obj_open("", 0, "x.o", &dg, &o), -EINVAL);
	check_message(&dg, "not an ELF file");
	CHECK_EQ(obj_open_file("/proc/self/exe", &dg, &o), -EINVAL);
	check_message(&dg, "not a BPF object");
	CHECK_EQ(obj_open_file("/no/such/file.o", &dg, &o), -ENOENT);
	CHECK(o == NULL);
	diag_free(&dg);
}

TEST(names_the_place_of_a_bad_map)
{
	static const char text[] =
		"struct { int (*type)[1]; int (*max_entris)[4]; } m __attribute__((section(\".maps\")));\n"
		"char l[] __attribute__((section(\"license\"))) = \"GPL\";\n";
	char dir[] = "/tmp/osmia-test-XXXXXX", command[512], path[64];
	struct diag dg = {0};
	struct obj *o;
	FILE *f;

	if (system("clang --version >/dev/null 2>&1") || !mkdtemp(dir))
		SKIP("needs clang");
	snprintf(path, sizeof(path), "%s/m.o", dir);
	snprintf(command, sizeof(command), "clang -O2 -g -target bpf -x c -c - -o %s", path);
	f = popen(command, "w");
	CHECK(f && fputs(text, f) >= 0 && pclose(f) == 0);
	CHECK_EQ(obj_open_file(path, &dg, &o), -EINVAL);
	check_message(&dg, "map 'm': max_entris: no such attribute");
	CHECK_STR(dg.msgs[0].at.sect, ".maps");
	CHECK_STR(dg.msgs[0].at.file, path);
	diag_free(&dg);
	unlink(path);
	rmdir(dir);
}

/* The verifier corpus beside the project: every object opens, lists, and survives being written. */
TEST(every_object_of_the_corpus)
{
	static const char *const kinds[] = { "deb", "k612", "st61", "st612" };
	const char *root = getenv("OSMIA_CORPUS");
	u32 n = 0;

	root = root ? root : "../shared/corpus/verifier";
	for (u32 k = 0; k < ARRAY_SIZE(kinds); k++) {
		char dir[512], path[1024];
		struct dirent *e;
		DIR *d;

		snprintf(dir, sizeof(dir), "%s/objects/%s", root, kinds[k]);
		d = opendir(dir);
		while (d && (e = readdir(d))) {
			struct diag dg = {0};
			struct obj *o;

			if (e->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
			if (obj_open_file(path, &dg, &o))
				fail_msg("%s: %s", path, dg.msgs[0].text);
			check_round_trip(o);
			obj_free(o);
			diag_free(&dg);
			n++;
		}
		if (d)
			closedir(d);
	}
	if (!n)
		SKIP("needs the verifier corpus");
	CHECK_EQ(n, 692);
}

/* 200 code sections of one file, each a megabyte at the same place. */
TEST(sections_that_overlap_are_refused)
{
	enum { SECTIONS = 200, BYTES = 1 << 20 };
	struct elf_builder b = { .machine = EM_BPF };
	static char names[SECTIONS][16];
	u64 exit_insn = 0x95;
	struct diag dg = {0};
	struct obj *o = NULL;
	void *data;
	size_t size;

	elf_add_section(&b, ".rodata", SHT_PROGBITS, SHF_ALLOC, 8, NULL, BYTES);
	for (u32 i = 0; i < SECTIONS; i++) {
		struct elf_out_sym sym = { .name = names[i], .size = BYTES, .type = STT_FUNC,
					   .bind = STB_GLOBAL };

		snprintf(names[i], sizeof(names[i]), "kprobe/f%u", i);
		sym.shndx = elf_add_section(&b, names[i], SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
					    8, &exit_insn, sizeof(exit_insn));
		elf_add_sym(&b, sym);
	}
	CHECK_EQ(elf_build(&b, &data, &size), 0);

	Elf64_Ehdr *eh = data;
	Elf64_Shdr *sh = (void *)((u8 *)data + eh->e_shoff);

	for (u32 i = 2; i < SECTIONS + 2; i++) {
		sh[i].sh_offset = sh[1].sh_offset;
		sh[i].sh_size = BYTES;
	}
	CHECK_EQ(obj_open(data, size, "overlap.o", &dg, &o), -EINVAL);
	CHECK(dg.n && strstr(dg.msgs[dg.n - 1].text, "sections overlap"));
	diag_free(&dg);
	free(data);
	elf_builder_free(&b);
}
