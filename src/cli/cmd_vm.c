/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/cmd_vm.c - osmia vm: runs bare bytecode and prints r0.
 *
 * Speaks the conformance suites' protocol: the program is hex bytes on standard input, the memory
 * is the first argument.  With it the suites of bpf_conformance and ubpf run as they are.
 */
#include "base/file.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/options.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_INTERP = OPT_FIRST, OPT_JIT, OPT_ASM, OPT_ELF, OPT_DISASM, OPT_LIMIT, OPT_WITNESS };
enum { INPUT_MAX = 64 << 20 }; /* bytes */

static const struct cli_opt opts[] = {
	{ OPT_INTERP, "interp", NULL, "interpret, every memory access checked (default)" },
	{ OPT_JIT, "jit", NULL, "run native code, nothing checked: for trusted bytecode only" },
	{ OPT_ASM, "asm", NULL, "the program is assembler text, not hex bytes" },
	{ OPT_ELF, "elf", NULL, "the program is an ELF object: its first program, else .text" },
	{ OPT_DISASM, "disasm", NULL, "print the program, do not run it" },
	{ OPT_LIMIT, "limit", "N", "end with an error after about N insns" },
	{ OPT_WITNESS, "witness", "FILE", "run a refused program into its fault, as FILE says" },
	{ 0 },
};

struct vm_opts {
	const char *memory; /* hex */
	const char *witness; /* file */
	enum osmia_vm_format format;
	bool disasm, jit;
	uint64_t limit;
};

/* Pairs of hex digits with any blanks between the pairs.  out has room for size / 2 bytes.  False with
 * the offending place in *bad. */
static bool hex_bytes(const char *text, size_t size, u8 *out, size_t *n, size_t *bad)
{
	*n = 0;
	for (size_t i = 0; i < size;) {
		int high = hex_digit(text[i]), low;

		if (isspace((u8)text[i])) {
			i++;
			continue;
		}
		low = i + 1 < size ? hex_digit(text[i + 1]) : -1;
		if (high < 0 || low < 0) {
			*bad = i;
			return false;
		}
		out[(*n)++] = (u8)(high << 4 | low);
		i += 2;
	}
	return true;
}

/* Caller frees; NULL after a complaint. */
static u8 *hex_parse(const char *what, const char *text, size_t size, size_t *n)
{
	u8 *out = malloc(size / 2 + 1);
	size_t bad;

	if (!out) {
		cli_error("out of memory");
	} else if (!hex_bytes(text, size, out, n, &bad)) {
		cli_error("%s: no hex byte at character %zu", what, bad + 1);
		free(out);
		out = NULL;
	}
	return out;
}

static void complain(struct osmia_vm *vm, int err)
{
	const char *text;

	if (!osmia_vm_message(vm, 0))
		cli_error("%s", strerror(-err));
	for (unsigned i = 0; (text = osmia_vm_message(vm, i)); i++)
		cli_error("%s", text);
}

static int run(struct osmia_vm *vm, const struct vm_opts *o)
{
	uint64_t r0 = 0;
	size_t size = 0;
	u8 *mem = NULL;
	int err;

	if (o->memory) {
		mem = hex_parse("the memory", o->memory, strlen(o->memory), &size);
		if (!mem)
			return EXIT_FAULT;
	}
	err = o->jit ? osmia_vm_compile(vm) : 0;
	if (!err)
		err = osmia_vm_run(vm, mem, size, o->limit, &r0);
	fputs(osmia_vm_printed(vm), stderr);
	if (err)
		complain(vm, err);
	else
		printf("0x%lx\n", r0);
	free(mem);
	return err ? EXIT_FAULT : EXIT_DONE;
}

/* Loads what stands on standard input. */
static int load(struct osmia_vm *vm, const struct vm_opts *o)
{
	struct bytes in = { 0 };
	u8 *code = NULL;
	size_t size;
	int err = file_read("-", INPUT_MAX, &in);

	if (err) {
		cli_error("standard input: %s", strerror(-err));
		return err;
	}
	if (o->format == OSMIA_VM_BYTES) {
		code = hex_parse("standard input", (char *)in.p, in.size, &size);
		err = code ? osmia_vm_load(vm, o->format, code, size, "standard input") : -EINVAL;
	} else {
		err = osmia_vm_load(vm, o->format, in.p, in.size, "standard input");
	}
	if (err && (code || o->format != OSMIA_VM_BYTES))
		complain(vm, err);
	free(code);
	bytes_free(&in);
	return err;
}

static int vm_main(const struct vm_opts *o)
{
	struct osmia_vm *vm;
	const char *text;
	int err = osmia_vm_new(&vm), status = EXIT_FAULT;

	if (err) {
		cli_error("%s", strerror(-err));
		return EXIT_FAULT;
	}
	if (load(vm, o))
		goto out;
	if (!o->disasm) {
		status = run(vm, o);
		goto out;
	}
	text = osmia_vm_text(vm);
	if (text) {
		fputs(text, stdout);
		status = EXIT_DONE;
	}
out:
	osmia_vm_free(vm);
	return status;
}

/* Exit status 0: the program fails as it should. */
static int run_witness(const char *path)
{
	struct bytes in = { 0 };
	int err = file_read(path, INPUT_MAX, &in), status = EXIT_FAULT;
	char *report = NULL;

	if (err) {
		cli_error("%s: %s", path, strerror(-err));
		return EXIT_FAULT;
	}
	err = osmia_witness_run(in.p, in.size, &report);
	if (err) {
		cli_error("%s: %s", path, report ? report : "out of memory");
	} else {
		fputs(report ? report : "", stdout);
		status = EXIT_DONE;
	}
	free(report);
	bytes_free(&in);
	return status;
}

int cmd_vm(int argc, char **argv)
{
	struct cli_args a = cli_args("vm", opts, argc, argv);
	struct vm_opts o = { 0 };

	for (int c; (c = cli_next(&a)) != CLI_END;) {
		switch (c) {
		case OPT_INTERP:
		case OPT_JIT:
			o.jit = c == OPT_JIT;
			break;
		case OPT_ASM:
			o.format = OSMIA_VM_TEXT;
			break;
		case OPT_ELF:
			o.format = OSMIA_VM_ELF;
			break;
		case OPT_DISASM:
			o.disasm = true;
			break;
		case OPT_WITNESS:
			o.witness = a.value;
			break;
		case OPT_LIMIT:
			if (str_to_u64(a.value, &o.limit))
				return cli_usage("vm", "--limit takes a number, not '%s'", a.value);
			break;
		case CLI_WORD:
			if (o.memory)
				return cli_usage("vm", "one memory is enough; what is '%s'?",
						 a.value);
			o.memory = a.value;
			break;
		case CLI_HELP:
			return EXIT_DONE;
		default:
			return EXIT_USAGE;
		}
	}
	return o.witness ? run_witness(o.witness) : vm_main(&o);
}
