// SPDX-License-Identifier: Apache-2.0
// What the ports show: for each name that a client may ask for the certificates, their end and their stapled answer.
import type { ComponentChildren } from "preact";
import { Loaded, Mark, Panel, type Tone } from "../components/parts";
import { Table, type Column } from "../components/table";
import type { Answer } from "../core/api";
import type { Held } from "../core/use";
import { texts } from "../texts";
import { Until } from "./certificate_import";

const t = texts.certificates;

type Served = Answer<"GET /certificates/served">;
type Name = Served["names"][number];
type Pair = Served["certificates"][number];

const ocsp_tones: Record<string, Tone> = { good: "good", revoked: "bad", unknown: "warn", "no answer": "warn", unusable: "warn" };

function Ocsp({ pair }: { pair: Pair }) {
	const state = pair.ocsp?.state ?? "none";
	if (state === "none") return <span class="soft">{t.staple_none}</span>;
	return <><Mark tone={ocsp_tones[state] ?? "plain"}>{state}</Mark>{pair.ocsp?.text && <span class="sub break">{pair.ocsp.text}</span>}</>;
}

/** One line a certificate: an RSA one may stand beside one of ECDSA. */
function columns(served: Served): Column<Name>[] {
	const pairs_of = (name: Name) => served.certificates.filter((pair) => name.certificates.includes(pair.name));
	const lines = (cell: (pair: Pair) => ComponentChildren) => (name: Name) => <>{pairs_of(name).map((pair) => <div key={pair.name}>{cell(pair)}</div>)}</>;
	return [
		{ title: t.asked_for, cell: (name) => (name.name === null ? <em>{t.asked_none}</em> : <span class="break">{name.name}</span>) },
		{ title: t.certificate, cell: lines((pair) => <>{pair.name}{!pair.on_disk && <span class="sub">{t.not_on_disk}</span>}</>) },
		{ title: t.key, cell: lines((pair) => pair.kind) },
		{ title: t.until, kind: "nowrap num", cell: lines((pair) => <Until certificate={pair} />) },
		{ title: t.staple, cell: lines((pair) => <Ocsp pair={pair} />) },
	];
}

export function ServedPanel({ held }: { held: Held<"GET /certificates/served"> }) {
	const ports = held.answer?.ports ?? [];
	return (
		<Panel title={t.ports} lead={<>{t.ports_lead} {ports.map((port) => t.port(port.service, port.address, port.tls)).join(", ")}</>} bare>
			<Loaded held={held}>{(served) => <Table caption={t.ports} columns={columns(served)} rows={served.names} row_key={(name) => name.name ?? ""} />}</Loaded>
		</Panel>
	);
}
