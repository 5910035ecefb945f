// SPDX-License-Identifier: Apache-2.0
// Who is logged in, and what the server said last of itself, for every page.
import { createContext, type ComponentChildren } from "preact";
import { useContext } from "preact/hooks";
import type { Answer } from "./api";
import { useAnswer, type Held } from "./use";

export interface Session {
	account: string;
	role: string;
}

interface Known {
	session: Session;
	status: Held<"GET /status">;
	logout: () => void;
}

const KnownContext = createContext<Known | null>(null);

const poll_ms = 5000;

/** Asks the status every few seconds for the pages below it. */
export function Known({ session, logout, children }: { session: Session; logout: () => void; children: ComponentChildren }) {
	const status = useAnswer("GET /status", {}, poll_ms);
	return <KnownContext.Provider value={{ session, status, logout }}>{children}</KnownContext.Provider>;
}

export function useKnown(): Known {
	const known = useContext(KnownContext);
	if (!known) throw new Error("useKnown outside of Known");
	return known;
}

/** May this user change anything? An auditor reads only. */
export function useMayChange(): boolean {
	return useKnown().session.role === "administrator";
}

export type Status = Answer<"GET /status">;
