// SPDX-License-Identifier: Apache-2.0
// A certificate is brought: files or text, the password that opens them, then what it is, and only then the import.
import { useState } from "preact/hooks";
import { announce } from "../components/announce";
import { Confirm, FormDialog } from "../components/dialog";
import { Field, Text } from "../components/form";
import { Facts, Mark, Note, type Tone } from "../components/parts";
import { ask, type Answer, type Ask } from "../core/api";
import { date } from "../core/format";
import { useAction } from "../core/use";
import { texts } from "../texts";

const t = texts.certificates;

type Preview = Answer<"POST /certificates/import">;
type Body = Ask<"POST /certificates/import">["body"];
type Found = Preview["certificate"];

export function expiry_tone(days: number): Tone {
	if (days < 0) return "bad";
	return days < 30 ? "warn" : "good";
}

export function Until({ certificate }: { certificate: { not_after?: string; days_left?: number } }) {
	if (certificate.not_after === undefined || certificate.days_left === undefined) return null;
	return <>{date(certificate.not_after)} <Mark tone={expiry_tone(certificate.days_left)}>{t.days(certificate.days_left)}</Mark></>;
}

export function Problems({ problems }: { problems: Preview["problems"] }) {
	return <>{problems.filter((problem) => problem.severity !== "note").map((problem) => <Note key={problem.text} tone={problem.severity === "error" ? "bad" : "warn"}>{problem.text}</Note>)}</>;
}

const trust_tones: Record<Preview["trust"], Tone> = { public: "good", house: "plain", "own root": "plain", open: "warn" };

const short = (found: Found) => `${found.names.join(", ")}; ${found.issuer}`;

/** What a pair would be and do. */
function Shown({ preview }: { preview: Preview }) {
	const { certificate } = preview;
	return (
		<>
			<Problems problems={preview.problems} />
			<Facts rows={[
				[t.names, <span class="break">{certificate.names.join(", ")}</span>],
				[t.subject, <span class="break">{certificate.subject}</span>],
				[t.issuer, <span class="break">{certificate.issuer}</span>],
				[t.until, <Until certificate={certificate} />],
				[t.key, `${certificate.kind} ${certificate.bits}, ${t.key_sources[preview.key]}`],
				[t.chain, <ol>{preview.chain.map((link) => <li key={link.subject + link.issuer} class="break">{t.link(link.subject, link.issuer)}</li>)}</ol>],
				[t.serves, `${preview.services.join(", ")}; ${preview.is_default ? t.by_default : t.by_name}`],
				[t.replaces, preview.replaces ? <span class="break">{short(preview.replaces)} <Until certificate={preview.replaces} /></span> : t.replaces_nothing],
			]} />
			<Note tone={trust_tones[preview.trust]}>{preview.trust_text}</Note>
		</>
	);
}

interface Files {
	pem: string;
	pkcs12: string;
}

const base64 = (bytes: Uint8Array) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

/** Texts go together; what is none is one PKCS#12 file, or the server says what it is. */
async function files_read(files: readonly File[]): Promise<Files> {
	const read: Files = { pem: "", pkcs12: "" };
	for (const file of files) {
		const bytes = new Uint8Array(await file.arrayBuffer());
		const text = new TextDecoder().decode(bytes);
		if (text.includes("-----BEGIN")) read.pem += `${text.trim()}\n`;
		else read.pkcs12 = base64(bytes);
	}
	return read;
}

export function Import({ close, done }: { close: () => void; done: () => void }) {
	const [name, name_set] = useState("server");
	const [files, files_set] = useState<Files>({ pem: "", pkcs12: "" });
	const [text, text_set] = useState("");
	const [password, password_set] = useState("");
	const [preview, preview_set] = useState<Preview | null>(null);
	const body: Body = {
		name,
		...(password || files.pkcs12 ? { password } : {}),
		...(files.pkcs12 ? { pkcs12: files.pkcs12 } : { pem: `${text.trim()}\n${files.pem}` }),
	};
	const show = useAction(async () => preview_set(await ask("POST /certificates/import", { body: { ...body, dry_run: true } })));
	const bring = useAction(async () => {
		await ask("POST /certificates/import", { body });
		announce(t.imported(name));
		done();
	});
	const chosen = async (event: Event) => files_set(await files_read([...((event.currentTarget as HTMLInputElement).files ?? [])]));
	const back = () => {
		bring.clear();
		preview_set(null);
	};
	if (preview) return <Confirm title={t.import_shown(name)} verb={t.import_verb} large idle={!preview.usable} action={bring} close={back}><Shown preview={preview} /></Confirm>;
	return (
		<FormDialog title={t.import} verb={t.import_show} lead={t.import_lead} action={show} close={close} large idle={text.trim() === "" && files.pem === "" && files.pkcs12 === ""}>
			<Text label={t.name} name="name" hint={t.name_hint} value={name} change={name_set} />
			<Field label={t.files} name="pkcs12" hint={t.files_hint}>{(attributes) => <input {...attributes} type="file" multiple accept=".pem,.crt,.cer,.key,.txt,.p12,.pfx" onChange={chosen} />}</Field>
			<Text label={t.pem} name="pem" hint={t.pem_hint} value={text} change={text_set} lines={6} mono />
			<Text label={t.password} name="password" type="password" hint={t.password_hint} value={password} change={password_set} autocomplete="off" />
		</FormDialog>
	);
}
