/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs tests/insn: every file on interpreter, native code and the running kernel.
 *
 *	test_insn [FILE...]       default: all of tests/insn
 *
 * A file has sections; '#' begins a comment.
 *	-- asm                    the program, in either notation     (or  -- raw: hex bytes)
 *	-- mem                    hex bytes that r1 points to, r2 their number
 *	-- result                 r0
 *	-- error                  text of the message with which loading or running fails instead
 *	-- prog socket_filter     the kernel needs this program type; r1 is then its ctx
 *	-- kernel: since 6.15     older kernels don't know the insn
 *	-- kernel: refuses TEXT   the verifier says so (the sentence is that of 6.18); without memory
 *	                          the insns are loaded alone
 *	-- log                    lines that the verifier's log at level 2 has
 * All engines must leave the same memory behind, too, and the insns in the verifier's log must read as
 * the disassembler has them.
 */
#include "base/file.h"
#include "base/str.h"
#include "abi/helper.h"
#include "isa/asm.h"
#include "isa/disasm.h"
#include "kernel.h"
#include "osmia.h"
#include <ctype.h>
#include <glob.h>
#include <sys/utsname.h>

enum {
	MEM_MAX = 1 << 16,
	LIMIT = 20000000,      /* insns that a test may run */
	WORDING = 6 << 8 | 18, /* first kernel whose sentences are those of the files */
};

struct test {
	const char *path;
	struct str asm_text, raw, mem_text, result, error, log;
	char refuses[200]; /* "": the kernel takes it */
	char type[40];
	u32 since;         /* major << 8 | minor; 0: any */
	u32 kernel;        /* the running one, likewise; 0: bpf(2) is not allowed */
	u8 mem[MEM_MAX], after[MEM_MAX];
	size_t mem_size;
	u64 want;
	struct str faults; /* what went wrong, a line each */
};

static void fault(struct test *t, const char *engine, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void fault(struct test *t, const char *engine, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_addf(&t->faults, "# %s: ", engine);
	str_vaddf(&t->faults, fmt, ap);
	str_addc(&t->faults, '\n');
	va_end(ap);
}

/* ---- the file ---- */

static void trim(char *text)
{
	size_t n = strlen(text);

	while (n && isspace((u8)text[n - 1]))
		text[--n] = '\0';
}

/* The section that a "-- ..." line opens; NULL for one that has its text on the line, or for none. */
static struct str *section(struct test *t, const char *head)
{
	static const char refuses[] = "kernel: refuses ";
	unsigned major, minor;

	if (strcmp(head, "asm") == 0)
		return &t->asm_text;
	if (strcmp(head, "raw") == 0)
		return &t->raw;
	if (strcmp(head, "mem") == 0)
		return &t->mem_text;
	if (strcmp(head, "result") == 0)
		return &t->result;
	if (strcmp(head, "error") == 0)
		return &t->error;
	if (strcmp(head, "log") == 0)
		return &t->log;
	if (str_starts(head, refuses))
		snprintf(t->refuses, sizeof(t->refuses), "%s", head + strlen(refuses));
	else if (sscanf(head, "kernel: since %u.%u", &major, &minor) == 2)
		t->since = major << 8 | minor;
	else if (str_starts(head, "prog "))
		snprintf(t->type, sizeof(t->type), "%s", head + 5);
	else
		fault(t, "file", "unknown section '-- %s'", head);
	return NULL;
}

static size_t hex_bytes(const char *text, u8 *out, size_t max)
{
	size_t n = 0;
	unsigned v;
	int used;

	while (n < max && sscanf(text, " %2x%n", &v, &used) == 1) {
		out[n++] = (u8)v;
		text += used;
	}
	return n;
}

static void parse(struct test *t, char *text)
{
	struct str *into = NULL;

	for (char *line = strsep(&text, "\n"); line; line = strsep(&text, "\n")) {
		if (*line == '#')
			continue;
		trim(line);
		if (str_starts(line, "-- ")) {
			into = section(t, line + 3);
		} else if (into) {
			str_add(into, line);
			str_addc(into, '\n');
		} else if (*line) {
			fault(t, "file", "text outside of any section: %s", line);
		}
	}
	t->mem_size = hex_bytes(str_text(&t->mem_text), t->mem, sizeof(t->mem));
	if (t->result.p) {
		trim(t->result.p);
		if (str_to_u64(t->result.p, &t->want))
			fault(t, "file", "result '%s' is no number", t->result.p);
	}
	if (t->error.p)
		trim(t->error.p);
	if (!t->result.p == !t->error.p)
		fault(t, "file", "needs either '-- result' or '-- error'");
}

/* ---- the engines ---- */

static u32 helper_id(void *arg, const char *name)
{
	(void)arg;
	return helper_id_by_name(name);
}

/* The program's bytes; NULL when they can't be had.  Caller frees. */
static struct insn *program(struct test *t, u32 *n)
{
	const struct asm_names names = { .helper = helper_id };
	struct insn *insns = NULL;
	struct diag dg = { 0 };

	if (t->raw.p) {
		insns = malloc(t->raw.len / 2 + 8);
		*n = insns ? (u32)(hex_bytes(t->raw.p, (u8 *)insns, t->raw.len / 2) / 8) : 0;
	} else if (asm_text(str_text(&t->asm_text), t->asm_text.len, t->path, &names, &dg, &insns,
			    n)) {
		fault(t, "asm", "line %u: %s", dg.n ? dg.msgs[0].at.line : 0,
		      dg.n ? dg.msgs[0].text : "out of memory");
		insns = NULL;
	}
	diag_free(&dg);
	return insns;
}

/* Compares an engine's outcome; message NULL means that it gave r0. */
static void check(struct test *t, const char *engine, const char *message, u64 r0, const u8 *mem)
{
	if (t->error.p) {
		if (!message)
			fault(t, engine, "result 0x%lx, must fail with: %s", r0, t->error.p);
		else if (!strstr(message, t->error.p))
			fault(t, engine, "'%s', must say: %s", message, t->error.p);
		return;
	}
	if (message)
		fault(t, engine, "%s", message);
	else if (r0 != t->want)
		fault(t, engine, "result 0x%lx, must be 0x%lx", r0, t->want);
	else if (t->after != mem && memcmp(t->after, mem, t->mem_size) != 0)
		fault(t, engine, "leaves other memory behind than the interpreter");
}

static void run_user(struct test *t, const struct insn *insns, u32 n, bool jit)
{
	const char *engine = jit ? "native" : "interpreter", *message = NULL;
	struct osmia_vm *vm;
	uint64_t r0 = 0;
	u8 *mem = malloc(t->mem_size ? t->mem_size : 1);

	if (!mem || osmia_vm_new(&vm)) {
		free(mem);
		fault(t, engine, "out of memory");
		return;
	}
	memcpy(mem, t->mem, t->mem_size);
	if (osmia_vm_load(vm, OSMIA_VM_BYTES, insns, n * sizeof(*insns), NULL) ||
	    (jit && osmia_vm_compile(vm)) || osmia_vm_run(vm, mem, t->mem_size, LIMIT, &r0))
		message = osmia_vm_message(vm, 0) ? osmia_vm_message(vm, 0) : "no message";
	if (!jit)
		memcpy(t->after, mem, t->mem_size);
	check(t, engine, message, r0, jit ? mem : t->after);
	osmia_vm_free(vm);
	free(mem);
}

static void check_refusal(struct test *t, struct kernel_run *k)
{
	int err;

	k->alone = t->mem_size == 0;
	k->log_level = 1;
	err = kernel_run(k);
	if (err >= 0)
		fault(t, "kernel", "accepts it, must refuse: %s", t->refuses);
	else if (t->kernel >= WORDING && !strstr(k->log, t->refuses))
		fault(t, "kernel", "says\n%s, not: %s", k->log, t->refuses);
}

static void check_log(struct test *t, const char *log)
{
	char *lines = strdup(str_text(&t->log)), *rest = lines;

	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
		if (*line && !strstr(log, line))
			fault(t, "kernel", "log lacks: %s\n%s", line, log);
	free(lines);
}

static const char *helper_name(void *arg, u32 id)
{
	const struct helper_proto *proto = helper_proto(id);

	(void)arg;
	return proto ? proto->name : NULL;
}

/* "12: (bf) r1 = r2     ; R1_w=..." in the verifier's log must be what isa/disasm.h says of insn 12. */
static void check_disasm(struct test *t, const struct insn *insns, u32 n, u32 first, char *log)
{
	const struct disasm_names names = { .helper = helper_name };

	for (char *line = strsep(&log, "\n"); line; line = strsep(&log, "\n")) {
		struct str text = { 0 };
		unsigned pc, code;
		int used = 0;

		if (sscanf(line, "%u: (%2x) %n", &pc, &code, &used) < 2 || !used || pc < first ||
		    pc - first >= n)
			continue;
		disasm_insn(&text, &insns[pc - first], n - (pc - first), DISASM_KERNEL, &names);
		line[strcspn(line, ";")] = '\0';
		trim(line);
		if (code != insns[pc - first].code || strcmp(line + used, str_text(&text)) != 0)
			fault(t, "disassembler", "insn %u: '%s', the kernel's log has '%s'", pc - first,
			      str_text(&text), line + used);
		str_free(&text);
	}
}

static void run_kernel(struct test *t, const struct insn *insns, u32 n)
{
	struct kernel_run k = { .insns = insns, .n = n, .mem_size = (u32)t->mem_size };
	u8 *mem = malloc(t->mem_size + 1);
	int err;

	if (!mem)
		return;
	memcpy(mem, t->mem, t->mem_size);
	k.mem = mem;
	for (u32 type = 1; *t->type && type < BPF_PROG_TYPE_MAX; type++)
		if (strcmp(t->type, prog_type_text(type)) == 0)
			k.prog_type = type;
	if (*t->refuses) {
		check_refusal(t, &k);
	} else {
		k.log_level = 2;
		err = kernel_run(&k);
		if (err < 0)
			fault(t, "kernel", "%s", strerror(-err));
		else
			check(t, "kernel", NULL, k.r0, k.prog_type ? t->after : k.mem);
		check_log(t, k.log);
		check_disasm(t, insns, n, k.prog_type ? 0 : KERNEL_FRAME_INSNS, k.log);
	}
	free(k.log);
	free(mem);
}

/* ---- all of it ---- */

static u32 kernel_version(void)
{
	unsigned major = 0, minor = 0;
	struct utsname u;

	if (uname(&u) == 0)
		sscanf(u.release, "%u.%u", &major, &minor);
	return major << 8 | minor;
}

static void test_free(struct test *t)
{
	str_free(&t->asm_text);
	str_free(&t->raw);
	str_free(&t->mem_text);
	str_free(&t->result);
	str_free(&t->error);
	str_free(&t->log);
	str_free(&t->faults);
	free(t);
}

static bool run_file(const char *path, u32 number, u32 kernel)
{
	struct test *t = calloc(1, sizeof(*t));
	struct bytes text = { 0 };
	struct insn *insns = NULL;
	bool ok, in_kernel;
	u32 n = 0;

	if (!t || file_read(path, 1 << 20, &text)) {
		printf("not ok %u - %s # can't be read\n", number, path);
		free(t);
		return false;
	}
	t->path = path;
	t->kernel = kernel;
	parse(t, (char *)text.p);
	insns = program(t, &n);
	in_kernel = kernel && kernel >= t->since;
	if (insns && !t->faults.len) {
		run_user(t, insns, n, false);
		if (!t->error.p)
			run_user(t, insns, n, true);
		if (in_kernel)
			run_kernel(t, insns, n);
	}
	ok = t->faults.len == 0;
	printf("%s %u - %s%s\n%s", ok ? "ok" : "not ok", number, path,
	       in_kernel ? "" : " (not in the kernel)", str_text(&t->faults));
	free(insns);
	test_free(t);
	bytes_free(&text);
	return ok;
}

int main(int argc, char **argv)
{
	u32 kernel = kernel_is_usable() ? kernel_version() : 0, n = 0;
	bool ok = true;
	glob_t g;

	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			ok &= run_file(argv[i], ++n, kernel);
	} else if (glob("tests/insn/*/*.data", 0, NULL, &g) == 0) {
		for (size_t i = 0; i < g.gl_pathc; i++)
			ok &= run_file(g.gl_pathv[i], ++n, kernel);
		globfree(&g);
	}
	if (!kernel)
		printf("ok %u - insns in the kernel # skip bpf(2) is not allowed here\n", ++n);
	printf("1..%u\n", n);
	return ok && n ? 0 : 1;
}
