// SPDX-License-Identifier: Apache-2.0
// Mail of an mbox file, or one message, into a user's mailbox: sent, then imported, both with a bar.
import { useEffect, useRef, useState } from "preact/hooks";
import { announce } from "../components/announce";
import { FormDialog } from "../components/dialog";
import { Field, Text } from "../components/form";
import { ProgressBar, useProgress } from "../components/progress";
import { send_file } from "../core/follow";
import { bytes } from "../core/format";
import { useAction, useAnswer } from "../core/use";
import { texts } from "../texts";

const t = texts.users.mail;
const route = "POST /users/{address}/import";

/** The largest file that the server takes; null until it is known. */
function useLimit(): number | null {
	const settings = useAnswer("GET /settings", { query: { table: "Limits" } });
	const row = settings.answer?.settings?.find((each) => each.name === "ImportBytes");
	return row ? Number(row.value ?? row.default) : null;
}

export function ImportMail({ address, close, done }: { address: string; close: () => void; done: () => void }) {
	const [mailbox, mailbox_set] = useState("");
	const [file, file_set] = useState<File | null>(null);
	const [progress, followed] = useProgress();
	const stop = useRef(new AbortController());
	useEffect(() => () => stop.current.abort(), []);
	const limit = useLimit();
	const is_large = file !== null && limit !== null && file.size > limit;
	const bring = useAction(async () => {
		const type = file!.name.toLowerCase().endsWith(".eml") ? "message/rfc822" : "application/mbox";
		const answer = await followed((tell) => {
			const sent = (done: number, total: number) => tell({ done, total, text: t.sent(bytes(done), bytes(total)) });
			return send_file(route, { path: { address }, query: { mailbox: mailbox.trim() } }, file!, type, sent, tell, stop.current.signal);
		});
		announce(t.done(answer.messages, answer.mailbox));
		done();
	});
	return (
		<FormDialog title={t.title(address)} verb={t.verb} action={bring} close={close} lead={t.lead} idle={file === null || is_large}>
			<Field label={t.file} name="mail" hint={limit === null ? t.file_hint : t.file_hint_limit(bytes(limit))} wrong={is_large ? t.too_large(bytes(limit!)) : null}>
				{(attributes) => <input {...attributes} type="file" accept=".mbox,.mbx,.eml,application/mbox,message/rfc822" disabled={bring.busy} onChange={(event) => file_set(event.currentTarget.files?.[0] ?? null)} />}
			</Field>
			<Text label={t.mailbox} name="mailbox" value={mailbox} change={mailbox_set} placeholder="INBOX" hint={t.mailbox_hint} disabled={bring.busy} />
			<ProgressBar label={t.title(address)} progress={progress} />
		</FormDialog>
	);
}
