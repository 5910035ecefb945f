// SPDX-License-Identifier: Apache-2.0
// The TLS policy as the page handles it: what is in force, and the changes that are being made.
import { useEffect } from "preact/hooks";
import type { Answer } from "../../core/api";
import type { Steady } from "../../core/steady";

export type Variables = Answer<"GET /tls/variables">;
export type Variable = Variables["variables"][number];
export type Setting = Variables["tables"][number]["settings"][number];

/** What the views that change the policy are given. */
export interface PolicyProps {
	variables: Variables;
	steady: Steady<"GET /tls/variables">;
	/** Told when a change is begun, and when it is over. */
	dirty: (is_dirty: boolean) => void;
}

/** "Security.ServerTlsProtocols" -> new value; an empty one restores the default. */
export type Draft = Readonly<Record<string, string>>;

/** What POST /tls/plan and /tls/set take. */
export type Wish = { min: string } | { variables: Draft };

export const versions = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;
export const tables = ["SmtpSecurity", "Security"] as const;

/** Every version from the lowest one up, as a protocol list. */
export function versions_from(lowest: string): string {
	return versions.slice(Math.max(0, versions.indexOf(lowest as (typeof versions)[number]))).join(",");
}

export function setting_of(variables: Variables, table: string, name: string): Setting | undefined {
	return variables.tables.find((each) => each.name === table)?.settings.find((setting) => setting.name === name);
}

/** The lowest version that a table's list has; null when its two lists differ. */
export function minimum_of(variables: Variables, table: string): string | null {
	const lowest = ["ServerTlsProtocols", "ClientTlsProtocols"].map((name) => {
		const list = (setting_of(variables, table, name)?.effective ?? "").split(",").map((version) => version.trim());
		return versions.find((version) => list.includes(version)) ?? null;
	});
	return lowest[0] === lowest[1] ? lowest[0]! : null;
}

/** The four lists (or the two of one table) that a minimum for each table means. */
export function minimum_wish(lowest: Readonly<Record<string, string>>): Wish {
	const [first, second] = tables.map((table) => lowest[table]!);
	if (first === second) return { min: first! };
	const variables: Record<string, string> = {};
	for (const table of tables) {
		for (const name of ["ServerTlsProtocols", "ClientTlsProtocols"]) variables[`${table}.${name}`] = versions_from(lowest[table]!);
	}
	return { variables };
}

export function is_empty(draft: Draft): boolean {
	return Object.keys(draft).length === 0;
}

/** Tells whether a change has been begun; that none is, when its form goes. */
export function useDirty(is_dirty: boolean, tell: (is_dirty: boolean) => void) {
	useEffect(() => {
		tell(is_dirty);
		return () => tell(false);
	}, [is_dirty]);
}
