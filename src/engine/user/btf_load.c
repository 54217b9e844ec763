/* SPDX-License-Identifier: BSD-2-Clause */
/* engine/user/btf_load.c - BPF_BTF_LOAD.  Kernel 6.18: btf_new_fd() in kernel/bpf/btf.c. */
#include "base/str.h"
#include "engine/user/command.h"
#include "engine/user/verdict.h"
#include "verify/record.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BTF_BYTES_MAX = 16 << 20 }; /* kernel BTF_MAX_SIZE */

static void btf_release(struct session *s, struct object *o)
{
	struct btf_object *b = btf_of(o);

	(void)s;
	btf_free(b->btf);
	free(b);
}

static int check_log(const union bpf_attr *attr)
{
	if (!attr->btf_log_level && !attr->btf_log_buf && !attr->btf_log_size)
		return 0;
	if (!!attr->btf_log_buf != !!attr->btf_log_size ||
	    (attr->btf_log_buf && !attr->btf_log_level))
		return -EINVAL;
	return (attr->btf_log_level & ~15u) || attr->btf_log_size > UINT32_MAX >> 2 ? -EINVAL : 0;
}

static int write_log(union bpf_attr *attr, const struct diag *dg)
{
	struct str text = {0};
	u32 skip = 0;
	int err = 0;

	for (u32 i = 0; i < dg->n; i++)
		str_addf(&text, "%s\n", dg->msgs[i].text);
	attr->btf_log_true_size = (u32)text.len + 1;
	if (attr->btf_log_buf) {
		if (text.len + 1 > attr->btf_log_size) {
			skip = (u32)text.len + 1 - attr->btf_log_size;
			err = -ENOSPC;
		}
		if (client_write(attr->btf_log_buf, str_text(&text) + skip, text.len + 1 - skip))
			err = -EFAULT;
	}
	str_free(&text);
	return err;
}

static int btf_make(struct session *s, struct btf *btf, struct btf_object **out)
{
	struct btf_object *b = calloc(1, sizeof(*b));
	const void *raw;
	u32 size;
	int err;

	if (!b) {
		btf_free(btf);
		return -ENOMEM;
	}
	b->btf = btf;
	b->o.kind = OBJECT_BTF;
	b->o.release = btf_release;
	b->o.fd = file_new(&s->run, "btf", false);
	err = b->o.fd < 0 ? b->o.fd : session_add(s, &b->o);
	if (err) {
		object_free(s, &b->o);
		return err;
	}
	raw = btf_raw(btf, &size);
	err = object_write(s, &b->o, raw, size);
	if (err)
		return err;
	*out = b;
	return 0;
}

/* Structs with locks, lists and trees: kernel btf_parse_struct_metas(), btf_check_and_fixup_fields(). */
static int check_structs(struct session *s, const struct btf *btf)
{
	const struct profile *k = session_profile(s);
	struct arena arena = {0};
	struct struct_metas metas;
	int err = k ? struct_metas_make(btf, k, &arena, &metas) : -ENOMEM;

	arena_free(&arena);
	return err;
}

int cmd_btf_load(struct session *s, union bpf_attr *attr)
{
	struct place at = {0};
	struct diag dg = {0};
	struct btf_object *b;
	struct btf *btf;
	const void *data;
	int err, log_err;

	if (attr->btf_flags)
		return -EINVAL;
	if (attr->btf_size > BTF_BYTES_MAX)
		return -E2BIG;
	err = check_log(attr);
	if (err)
		return err;
	data = client_memory(attr->btf, attr->btf_size);
	if (!data)
		return attr->btf_size ? -EFAULT : -EINVAL;
	err = btf_parse(data, attr->btf_size, NULL, 0, &dg, at, &btf);
	if (!err) {
		err = check_structs(s, btf);
		if (err)
			btf_free(btf);
	}
	if (attr->btf_log_level) {
		log_err = write_log(attr, &dg);
		if (log_err && !err)
			btf_free(btf);
		err = log_err ? log_err : err;
	}
	diag_free(&dg);
	if (err)
		return err;
	err = btf_make(s, btf, &b);
	return err ? err : session_publish(s, &b->o, FILE_RDONLY);
}
