/* SPDX-License-Identifier: BSD-2-Clause */
/* output/symbol: addresses of this process, of one that has ended, of the kernel; C++ names; perf
 * map files. */
#include "test.h"
#include "base/str.h"
#include "output/symbol.h"
#include "output/symbol_inner.h"
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline)) void known_function(void);
void known_function(void)
{
	__asm__ volatile("nop; nop; nop; nop");
}

TEST(own_functions_and_libraries)
{
	struct symbols *s = symbols_new(true);
	struct symbol_name n;

	CHECK(symbol_user(s, getpid(), (u64)(uintptr_t)known_function + 1, &n));
	CHECK_STR(n.name, "known_function");
	CHECK_EQ(n.off, 1);
	CHECK(str_ends(n.module, "/test_symbol"));
	CHECK(symbol_user(s, getpid(), (u64)(uintptr_t)getppid, &n));
	CHECK(strstr(n.name, "getppid") && n.off == 0);
	CHECK(!symbol_user(s, getpid(), 1, &n));
	CHECK(!symbol_user(s, getpid(), UINT64_MAX, &n));
	CHECK(!symbol_user(s, -1, 1, &n));
	symbols_free(s);
}

TEST(names_outlive_their_process)
{
	struct symbols *s = symbols_new(true);
	struct symbol_name n;
	pid_t child = fork();

	if (!child) {
		pause();
		_exit(0);
	}
	CHECK(process_lives(child));
	symbols_keep(s, child);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	CHECK(!process_lives(child));
	CHECK(symbol_user(s, child, (u64)(uintptr_t)known_function, &n));
	CHECK_STR(n.name, "known_function");
	symbols_free(s);
}

TEST(functions_of_the_vdso)
{
	u64 base = getauxval(AT_SYSINFO_EHDR);
	struct symbols *s = symbols_new(true);
	struct elf_symbols e;
	struct symbol_name n;
	bool found = false;

	if (!base) {
		symbols_free(s);
		SKIP("there is no vdso");
	}
	CHECK(elf_symbols_of((const void *)base, 8192, &e));
	CHECK(e.table.n > 0);
	for (u32 i = 0; i < e.table.n && !found; i++)
		found = symbol_user(s, getpid(), base + e.table.p[i].addr, &n) &&
			strcmp(n.name, e.table.names + e.table.p[i].name) == 0 &&
			strcmp(n.module, "[vdso]") == 0;
	CHECK(found);
	elf_symbols_free(&e);
	symbols_free(s);
}

/* Never seen alive: where one address lies in the file tells the others. */
TEST(names_by_the_file_alone)
{
	struct symbols *s = symbols_new(true);
	struct elf_symbols e;
	struct symbol_name n;
	u64 linked = 0, base = 0x7f0000000000, off = 0;

	CHECK(elf_symbols_read("/proc/self/exe", &e));
	for (u32 i = 0; i < e.table.n; i++)
		if (strcmp(e.table.names + e.table.p[i].name, "known_function") == 0)
			linked = e.table.p[i].addr;
	for (u32 i = 0; i < e.n_ranges; i++)
		if (linked - e.ranges[i].addr < e.ranges[i].size)
			off = linked - e.ranges[i].addr + e.ranges[i].off;
	CHECK(off);
	CHECK(symbol_in_file(s, "/proc/self/exe", off, base + linked, base + linked + 1, &n));
	CHECK_STR(n.name, "known_function");
	CHECK_EQ(n.off, 1);
	CHECK(!symbol_in_file(s, "/proc/self/exe", off, base + linked + 8, base, &n));
	elf_symbols_free(&e);
	symbols_free(s);
}

static bool has_symbol(const char *path, const char *name)
{
	struct elf_symbols e;
	bool found = false;

	CHECK(elf_symbols_read(path, &e));
	for (u32 i = 0; i < e.table.n && !found; i++)
		found = strcmp(e.table.names + e.table.p[i].name, name) == 0;
	elf_symbols_free(&e);
	return found;
}

/* By the link in a stripped file, then by its build id in debuginfod's cache. */
TEST(separate_debug_files)
{
	char dir[] = "/tmp/test_symbol.XXXXXX", command[2048];

	CHECK(mkdtemp(dir));
	snprintf(command, sizeof(command),
		 "cd %s && cp /proc/%d/exe full && objcopy --only-keep-debug full full.debug && cp "
		 "full plain && "
		 "objcopy --strip-all full && objcopy --strip-all plain && objcopy "
		 "--add-gnu-debuglink=full.debug full "
		 "&& id=$(readelf -n plain | sed -n 's/.*Build ID: //p') && mkdir -p cache/$id && "
		 "cp full.debug cache/$id/debuginfo",
		 dir, (int)getpid());
	if (system(command)) {
		snprintf(command, sizeof(command), "rm -r %s", dir);
		CHECK_EQ(system(command), 0);
		SKIP("no objcopy or readelf");
	}
	snprintf(command, sizeof(command), "%s/plain", dir);
	CHECK(!has_symbol(command, "known_function"));
	snprintf(command, sizeof(command), "%s/cache", dir);
	setenv("DEBUGINFOD_CACHE_PATH", command, 1);
	snprintf(command, sizeof(command), "%s/plain", dir);
	CHECK(has_symbol(command, "known_function"));
	unsetenv("DEBUGINFOD_CACHE_PATH");
	snprintf(command, sizeof(command), "%s/full", dir);
	CHECK(has_symbol(command, "known_function"));
	/* A debug file of another build is none. */
	snprintf(command, sizeof(command), "%s/full.debug", dir);
	CHECK_EQ(truncate(command, 100000), 0);
	snprintf(command, sizeof(command), "%s/full", dir);
	CHECK(!has_symbol(command, "known_function"));
	snprintf(command, sizeof(command), "rm -r %s", dir);
	CHECK_EQ(system(command), 0);
}

TEST(code_without_a_file)
{
	u8 *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct symbols *s = symbols_new(true);
	struct symbol_name n;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	CHECK(!symbol_user(s, getpid(), (u64)(uintptr_t)code + 20, &n));
	f = fopen(path, "w");
	fprintf(f, "rubbish\n%lx 10 first\n%lx 20 lazy one:f.js\n", (u64)(uintptr_t)code,
		(u64)(uintptr_t)code + 16);
	fclose(f);
	CHECK(symbol_user(s, getpid(), (u64)(uintptr_t)code + 20, &n));
	CHECK_STR(n.name, "lazy one:f.js");
	CHECK_EQ(n.off, 4);
	CHECK(!symbol_user(s, getpid(), (u64)(uintptr_t)code + 100, &n));
	symbols_free(s);
	unlink(path);
	munmap(code, 4096);
}

TEST(kernel_symbols)
{
	struct symbols *s = symbols_new(true);
	struct symbol_name n, again;
	struct symbol_table t = {0};

	CHECK(!symbol_kernel(s, 1, &n));
	kernel_symbols_read(&t);
	if (!t.n) {
		symbols_free(s);
		SKIP("the kernel hides its addresses");
	}
	CHECK(symbol_kernel(s, t.p[t.n / 2].addr, &n));
	CHECK_STR(n.name, t.names + t.p[t.n / 2].name);
	CHECK(symbol_kernel(s, t.p[t.n / 2].addr, &again) && again.name == n.name && !n.off);
	symtab_free(&t);
	symbols_free(s);
}

TEST(nested_and_unsized_symbols)
{
	struct symbol_table t = {0};

	CHECK(symtab_add(&t, 100, 50, "outer", 5, 1));
	CHECK(symtab_add(&t, 110, 5, "inner", 5, 1));
	CHECK(symtab_add(&t, 100, 50, "alias", 5, 0));
	CHECK(symtab_add(&t, 200, 0, "label", 5, 0));
	symtab_sort(&t);
	CHECK_EQ(t.n, 3);
	CHECK_STR(t.names + symtab_find(&t, 112)->name, "inner");
	CHECK_STR(t.names + symtab_find(&t, 120)->name, "outer");
	CHECK_STR(t.names + symtab_find(&t, 100)->name, "outer");
	CHECK_STR(t.names + symtab_find(&t, 5000)->name, "label");
	CHECK(!symtab_find(&t, 150));
	CHECK(!symtab_find(&t, 99));
	symtab_free(&t);
}

TEST(cxx_names)
{
	struct demangler d = {0};
	const char *name = cxx_name(&d, "_ZN3foo3barEi");

	CHECK_STR(cxx_name(&d, "plain"), "plain");
	if (!d.demangle)
		SKIP("no C++ library");
	name = cxx_name(&d, "_ZN3foo3barEi");
	CHECK_STR(name, "foo::bar(int)");
	CHECK_STR(cxx_name(&d, "_Znope"), "_Znope");
	demangler_free(&d);
}
