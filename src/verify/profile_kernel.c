/* SPDX-License-Identifier: BSD-2-Clause */
/* verify/profile_kernel.c - the running kernel as a profile. */
#include "abi/uapi.h"
#include "base/cpu.h"
#include "base/file.h"
#include "isa/insn.h"
#include "verify/profile.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

enum {
	TEXT_MAX = 64 << 20,
	CAP_NET_ADMIN = 12, CAP_SYS_ADMIN = 21, CAP_PERFMON = 38, CAP_BPF = 39,
};
/* inode of the initial user namespace: capabilities in others do not count for bpf(2) */
#define INIT_USER_NS "user:[4026531837]"

static bool read_text(const char *path, struct bytes *out)
{
	return file_read(path, TEXT_MAX, out) == 0;
}

/* ---- configuration ---- */

static int config_gz(struct profile *k, const struct bytes *gz)
{
	size_t cap = 1 << 20;
	z_stream z = { .next_in = gz->p, .avail_in = (uInt)gz->size };
	char *text = malloc(cap);
	int err = -EINVAL;

	if (!text || inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
		free(text);
		return -ENOMEM;
	}
	z.next_out = (Bytef *)text;
	z.avail_out = (uInt)cap;
	if (inflate(&z, Z_FINISH) == Z_STREAM_END)
		err = profile_set_config(k, text, z.total_out);
	inflateEnd(&z);
	free(text);
	return err;
}

static void read_config(struct profile *k, const char *release, struct diag *dg)
{
	struct str path = {0};
	struct bytes file;
	int err = -ENOENT;

	str_addf(&path, "/boot/config-%s", release);
	if (read_text("/proc/config.gz", &file)) {
		err = config_gz(k, &file);
		bytes_free(&file);
	} else if (read_text(str_text(&path), &file)) {
		err = profile_set_config(k, (char *)file.p, file.size);
		bytes_free(&file);
	}
	if (err)
		diag_note(dg, (struct place){ .file = str_text(&path) },
			  "the kernel's configuration can't be read: every option counts as set");
	str_free(&path);
}

/* ---- capabilities ---- */

static enum profile_caps own_caps(void)
{
	char ns[64] = "";
	struct bytes file;
	const char *line;
	u64 caps = 0;

	if (readlink("/proc/self/ns/user", ns, sizeof(ns) - 1) > 0 && strcmp(ns, INIT_USER_NS) != 0)
		return CAPS_UNPRIV;
	if (!read_text("/proc/self/status", &file))
		return CAPS_UNPRIV;
	line = strstr((char *)file.p, "CapEff:");
	if (line)
		caps = strtoull(line + strlen("CapEff:"), NULL, 16);
	bytes_free(&file);
	if (caps >> CAP_SYS_ADMIN & 1)
		return CAPS_ALL;
	if (!(caps >> CAP_BPF & 1))
		return CAPS_UNPRIV;
	return caps >> CAP_PERFMON & 1 ? CAPS_ALL : CAPS_NOPERFMON;
}

/* ---- what only the kernel can tell ---- */

static const struct insn ret0[] = {
	{ .code = CLS_ALU64 | ALU_MOV | SRC_K },
	{ .code = CLS_JMP | JMP_EXIT },
};

/* 0, or what bpf(2) says of the program. */
static int load(const struct insn *insns, u32 n, u32 type, u32 attach_type, u32 btf_id)
{
	static const char license[] = "GPL";
	union bpf_attr attr = {
		.prog_type = type, .insns = (u64)insns, .insn_cnt = n,
		.license = (u64)license, .expected_attach_type = attach_type,
		.attach_btf_id = btf_id,
	};
	int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* Some kernels refuse whatever goes through a trampoline, with EPERM and before the verifier. */
static bool refuses_trampolines(const struct profile *k)
{
	u32 id = k->btf ? btf_find(k->btf, "bpf_fentry_test1", BTF_FUNC) : 0;

	if (!id || load(ret0, ARRAY_SIZE(ret0), BPF_PROG_TYPE_SOCKET_FILTER, 0, 0))
		return false;
	return load(ret0, ARRAY_SIZE(ret0), BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, id) == -EPERM;
}

/* Where securityfs is not there to tell: a locked kernel does not know bpf_probe_write_user(). */
static bool refuses_user_writes(void)
{
	static const struct insn write_user[] = {
		{ .code = CLS_ST | MODE_MEM | SZ_DW, .dst = REG_FP, .off = -8 },
		{ .code = CLS_ALU64 | ALU_MOV | SRC_X, .dst = 2, .src = REG_FP },
		{ .code = CLS_ALU64 | ALU_ADD | SRC_K, .dst = 2, .imm = -8 },
		{ .code = CLS_ALU64 | ALU_MOV | SRC_K, .dst = 1 },
		{ .code = CLS_ALU64 | ALU_MOV | SRC_K, .dst = 3, .imm = 8 },
		{ .code = CLS_JMP | JMP_CALL, .imm = HELPER_probe_write_user },
		{ .code = CLS_ALU64 | ALU_MOV | SRC_K },
		{ .code = CLS_JMP | JMP_EXIT },
	};

	return !load(ret0, ARRAY_SIZE(ret0), BPF_PROG_TYPE_KPROBE, 0, 0) &&
	       load(write_user, ARRAY_SIZE(write_user), BPF_PROG_TYPE_KPROBE, 0, 0) == -EINVAL;
}

static void read_boot_options(struct profile *k)
{
	struct bytes file;

	if (read_text("/proc/cmdline", &file)) {
		const char *text = (char *)file.p;

		k->mitigations_off = strstr(text, "mitigations=off") != NULL;
		k->lockdown_integrity = strstr(text, "lockdown=integrity") ||
					strstr(text, "lockdown=confidentiality");
		bytes_free(&file);
	}
	if (read_text("/sys/kernel/security/lockdown", &file)) {
		k->lockdown_integrity = strstr((char *)file.p, "[none]") == NULL;
		bytes_free(&file);
	} else if (!k->lockdown_integrity) {
		k->lockdown_integrity = refuses_user_writes();
	}
	if (read_text("/proc/sys/net/core/bpf_jit_enable", &file)) {
		k->jit = file.size && file.p[0] != '0';
		bytes_free(&file);
	}
}

int profile_running(struct diag *dg, struct profile *out)
{
	struct profile k;
	struct utsname u = {0};
	struct btf *btf = NULL;
	struct bytes file;
	struct str name = {0};
	int err = profile_init(&k);

	if (err)
		return err;
	uname(&u);
	profile_set_version(&k, u.release);
	str_addf(&name, "Linux %s (running)", u.release);
	err = profile_set_name(&k, str_text(&name));
	str_free(&name);
	if (err)
		goto fail;
	if (!btf_load_kernel(dg, &btf)) {
		k.btf = btf;
		k.owns_btf = true;
	}
	read_config(&k, u.release, dg);
	if (read_text("/proc/kallsyms", &file)) {
		err = profile_set_symbols(&k, (char *)file.p, file.size);
		bytes_free(&file);
	}
	if (!err && read_text("/sys/kernel/debug/error_injection/list", &file)) {
		err = profile_set_inject(&k, (char *)file.p, file.size);
		bytes_free(&file);
	}
	if (err)
		goto fail;
	read_boot_options(&k);
	k.nr_cpus = cpus_possible();
	k.caps = own_caps();
	k.no_trampoline = refuses_trampolines(&k);
	*out = k;
	return 0;
fail:
	profile_free(&k);
	return err;
}
