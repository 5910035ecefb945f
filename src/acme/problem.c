/* SPDX-License-Identifier: Apache-2.0 */
/* What a CA's problems mean to whoever runs the server: see message.h. */
#include "acme/message.h"
#include "base/log.h"

/* RFC 8555 section 6.7: what is wrong in a few words, and the cure. */
static const struct {
	const char *type;
	const char *what;
	const char *cure;
} meanings[] = {
	{"accountDoesNotExist", "the CA does not know the account",
	 "take the account's key out of HOME/acme: the next order makes a new account"},
	{"badCSR", "the CA does not take the request for the certificate",
	 "try the other KeyType, and look at what the CA says"},
	{"badPublicKey", "the CA does not take this kind of key",
	 "set KeyType to the other kind in the row of AcmeCertificate"},
	{"caa", "a CAA record of the domain forbids this CA to issue",
	 "add the CA to the domain's CAA records, or remove them"},
	{"compound", "several things are wrong", "see each of them"},
	{"connection", "the CA could not connect to this server",
	 "see that the domain's address is this server's, and that port 80 (http-01) or 443 "
	 "(tls-alpn-01) reaches it through firewall and router"},
	{"dns", "the CA found no address of the domain",
	 "publish an A or AAAA record that leads to this server"},
	{"externalAccountRequired", "the CA wants accounts that were agreed on beforehand",
	 "choose another Directory: such accounts are not supported"},
	{"incorrectResponse", "somebody else than this server answered the CA",
	 "see that the domain's addresses, IPv6 too, all lead to this server, and that no proxy "
	 "before it answers for it"},
	{"invalidContact", "the CA does not take the contact address",
	 "correct Contact in the table Acme"},
	{"malformed", "the CA did not understand the request", "look at what the CA says"},
	{"orderNotReady", "the order was not ready", "it is tried again by itself"},
	{"rateLimited", "the CA has had too many requests for this domain or from here",
	 "wait; the CA says for how long. It is tried again by itself"},
	{"rejectedIdentifier", "the CA does not issue for this name",
	 "take the name out of Domains"},
	{"serverInternal", "the CA has a fault of its own", "it is tried again by itself"},
	{"tls", "the CA could not shake hands with this server",
	 "see that port 443 leads to Postern's HTTPS service and that nothing before it ends TLS"},
	{"unauthorized", "the CA did not see that the domain is this server's",
	 "see that the domain's addresses, IPv6 too, all lead to this server"},
	{"unsupportedContact", "the CA does not take the contact address",
	 "correct Contact in the table Acme"},
	{"unsupportedIdentifier", "the CA does not issue for names of this kind",
	 "take the name out of Domains"},
	{"userActionRequired", "the CA wants somebody to visit a page of its own",
	 "open the address that the CA names"},
};

static void meaning_append(struct str type, const char **cure_out, struct buf *to)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (str_equals(type, str_from_c(meanings[i].type))) {
			buf_append_c(to, meanings[i].what);
			*cure_out = meanings[i].cure;
			return;
		}
	}
	buf_append_c(to, "the CA refused");
	*cure_out = "look at what the CA says";
}

static void part_append(struct str type, struct str detail, struct buf *to)
{
	const char *cure;

	meaning_append(type, &cure, to);
	buf_append_c(to, " (");
	text_append_word(to, type);
	if (!str_is_empty(detail)) {
		buf_append_c(to, ": ");
		text_append_phrase(to, detail);
	}
	buf_printf(to, "); %s", cure);
}

void acme_problem_explain(const struct acme_problem *problem, struct buf *to)
{
	part_append(problem->type, problem->detail, to);
	for (size_t i = 0; i < problem->sub_count; i++) {
		buf_append_c(to, ". ");
		text_append_word(to, problem->subs[i].domain);
		buf_append_c(to, ": ");
		part_append(problem->subs[i].type, problem->subs[i].detail, to);
	}
}
