// SPDX-License-Identifier: Apache-2.0
// The whole page: who is not logged in sees the login, a server without a domain its first steps.
import { useEffect, useState } from "preact/hooks";
import { Announcements } from "./components/announce";
import { Note, Waiting } from "./components/parts";
import { ask, csrf_set, Fault, on_session_end, type Answer } from "./core/api";
import { Known, type Session } from "./core/session";
import { Login } from "./pages/login";
import { Shell } from "./shell";
import { texts } from "./texts";

type State = { kind: "asking" } | { kind: "out"; ended: boolean } | { kind: "in"; session: Session } | { kind: "fault"; text: string };

export function App() {
	const [state, state_set] = useState<State>({ kind: "asking" });

	const enter = (answer: Answer<"GET /session">) => {
		csrf_set(answer.csrf);
		state_set({ kind: "in", session: { account: answer.account, role: answer.role } });
	};
	const find_session = async () => {
		try {
			enter(await ask("GET /session"));
		} catch (error) {
			const is_out = error instanceof Fault && (error.status === 401 || error.status === 403);
			state_set(is_out ? { kind: "out", ended: false } : { kind: "fault", text: (error as Error).message });
		}
	};
	const logout = async () => {
		await ask("DELETE /session").catch(() => null);
		csrf_set("");
		state_set({ kind: "out", ended: false });
	};
	useEffect(() => {
		on_session_end(() => state_set((before) => ({ kind: "out", ended: before.kind === "in" })));
		void find_session();
	}, []);

	return (
		<>
			{state.kind === "asking" && <div class="alone"><Waiting /></div>}
			{state.kind === "fault" && (
				<div class="alone">
					<div class="stack">
						<Note tone="bad" role="alert">{state.text}</Note>
						<button type="button" class="button" onClick={find_session}>{texts.common.again}</button>
					</div>
				</div>
			)}
			{state.kind === "out" && <Login entered={enter} ended={state.ended} />}
			{state.kind === "in" && <Known session={state.session} logout={logout}><Shell /></Known>}
			<Announcements />
		</>
	);
}
