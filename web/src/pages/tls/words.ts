// SPDX-License-Identifier: Apache-2.0
// What a plan of the server (tls set --dry-run) means, in sentences; services with the same change share one.
import type { Answer } from "../../core/api";
import { texts } from "../../texts";

export type Plan = Answer<"POST /tls/plan">;
type Change = Plan["services"][number];

const list = new Intl.ListFormat("en", { type: "conjunction" });
const t = texts.tls.words;

export interface Sentence {
	key: string;
	tone: "good" | "warn";
	text: string;
}

/** Groups changes that say the same of their protocols and suites. */
function grouped(changes: readonly Change[]): Map<string, Change[]> {
	const groups = new Map<string, Change[]>();
	for (const change of changes) {
		const key = JSON.stringify([change.protocols_gone, change.protocols_come, change.suites_gone, change.suites_come]);
		groups.set(key, [...(groups.get(key) ?? []), change]);
	}
	return groups;
}

/** What is refused means something else to a service, to the client that sends, and to one that fetches. */
type Kind = "in" | "send" | "fetch";

function sentences_of(names: string, change: Change, kind: Kind): Sentence[] {
	const made: Sentence[] = [];
	const add = (tone: Sentence["tone"], text: string) => made.push({ key: `${kind} ${text}`, tone, text });
	if (change.protocols_gone.length > 0) add("warn", t[kind].gone(names, list.format(change.protocols_gone), list.format(change.protocols)));
	if (change.protocols_come.length > 0) add(change.minimum_falls ? "warn" : "good", t[kind].come(names, list.format(change.protocols_come), change.minimum_falls));
	const only_suites = change.protocols_gone.length === 0 && change.protocols_come.length === 0;
	if (only_suites && change.suites_gone.length > 0) add("warn", t.suites_gone(names, change.suites_gone));
	if (only_suites && change.suites_come.length > 0) add("good", t.suites_come(names, change.suites_come));
	return made;
}

function service_sentences(changes: readonly Change[]): Sentence[] {
	return [...grouped(changes).values()].flatMap((group) => sentences_of(list.format(group.map((change) => change.name)), group[0]!, "in"));
}

const client_sentences = (change: Change) => sentences_of(change.name, change, change.name === "SMTP" ? "send" : "fetch");

/** Inbound and outbound, each in words; empty where no session would notice. */
export function plan_in_words(plan: Plan): { inbound: Sentence[]; outbound: Sentence[] } {
	return { inbound: service_sentences(plan.services), outbound: plan.clients.flatMap(client_sentences) };
}
