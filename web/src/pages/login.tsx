// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";
import { Form, Text } from "../components/form";
import { Icon } from "../components/icon";
import { Note } from "../components/parts";
import { ask, Fault, type Answer } from "../core/api";
import { useAction } from "../core/use";
import { texts } from "../texts";

/** The login; asks for the code of the second factor when the server says that it needs one. */
export function Login({ entered, ended }: { entered: (session: Answer<"GET /session">) => void; ended: boolean }) {
	const [account, account_set] = useState("");
	const [password, password_set] = useState("");
	const [code, code_set] = useState("");
	const [needs_code, needs_code_set] = useState(false);
	const box = useRef<HTMLDivElement>(null);
	useEffect(() => {
		document.title = `${texts.login.title} · Postern`;
		box.current?.querySelector("input")?.focus();
	}, []);

	const login = useAction(async () => {
		try {
			await ask("POST /session", { body: { account, password, ...(code ? { code } : {}) } });
		} catch (error) {
			if (error instanceof Fault && error.field === "code") needs_code_set(true);
			throw error;
		}
		entered(await ask("GET /session"));
	});
	const end = <button type="submit" class="button main" disabled={login.busy}>{texts.login.enter}</button>;
	return (
		<main class="alone">
			<div class="panel" ref={box}>
				<header><div class="brand"><Icon name="gate" /><h1>{texts.login.title}</h1></div></header>
				<div class="body">
					{ended && <Note role="status">{texts.login.ended}</Note>}
					<Form fault={login.fault} submit={() => login.run()} end={end}>
						<Text label={texts.login.account} name="account" type="email" value={account} change={account_set} autocomplete="username" placeholder="admin@example.com" />
						<Text label={texts.login.password} name="password" type="password" value={password} change={password_set} autocomplete="current-password" />
						{needs_code && <Text label={texts.login.code} name="code" value={code} change={code_set} autocomplete="one-time-code" hint={texts.login.code_hint} mono />}
					</Form>
				</div>
			</div>
		</main>
	);
}
