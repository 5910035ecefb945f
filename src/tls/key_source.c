/* SPDX-License-Identifier: Apache-2.0 */
/* The keys role as a source of signatures: see key_source.h. */
#include "tls/key_source.h"

static enum fault remote_sign(struct key_source *source, uint32_t key, uint32_t scheme,
			      struct str digest, unsigned char *signature_out, size_t *len_out)
{
	struct key_source_remote *remote = (struct key_source_remote *)source;
	struct msg_key_sign request = {.key = key, .scheme = scheme, .bytes = digest};
	struct packet answer;

	packet_init(&answer);
	enum fault fault =
		role_client_call(remote->client, MSG_key_sign, &request, MSG_key_signed, &answer);
	if (fault == FAULT_NONE) {
		const struct msg_key_signed *given = &answer.message.key_signed;
		fault = fault_from_number(given->fault);
		if (fault == FAULT_NONE && given->signature.len > SIGN_SIGNATURE_MAX)
			fault = FAULT_INVALID;
		if (fault == FAULT_NONE) {
			memcpy(signature_out, given->signature.ptr, given->signature.len);
			*len_out = given->signature.len;
		}
	}
	packet_done(&answer);
	return fault;
}

static enum fault remote_premaster(struct key_source *source, uint32_t key, uint32_t version,
				   struct str ciphertext,
				   unsigned char premaster_out[PREMASTER_BYTES])
{
	struct key_source_remote *remote = (struct key_source_remote *)source;
	struct msg_key_premaster request = {
		.key = key, .version = version, .ciphertext = ciphertext};
	struct packet answer;

	packet_init(&answer);
	enum fault fault = role_client_call(remote->client, MSG_key_premaster, &request,
					    MSG_key_premastered, &answer);
	if (fault == FAULT_NONE) {
		const struct msg_key_premastered *given = &answer.message.key_premastered;
		fault = fault_from_number(given->fault);
		if (fault == FAULT_NONE && given->premaster.len != PREMASTER_BYTES)
			fault = FAULT_INVALID;
		if (fault == FAULT_NONE)
			memcpy(premaster_out, given->premaster.ptr, PREMASTER_BYTES);
	}
	packet_done(&answer);
	return fault;
}

void key_source_remote_init(struct key_source_remote *remote, struct role_client *client)
{
	*remote = (struct key_source_remote){
		.source = {.sign = remote_sign, .premaster = remote_premaster},
		.client = client,
	};
}
