// SPDX-License-Identifier: Apache-2.0
// The DNS records to publish for a domain, ready to be copied, and whether each is there.
import { announce } from "../components/announce";
import { Loaded, Mark, type Tone } from "../components/parts";
import { useAnswer } from "../core/use";
import { texts } from "../texts";

const t = texts.records;

const tones: Record<string, Tone> = { published: "good", missing: "warn", other: "bad" };

async function copy(text: string) {
	await navigator.clipboard.writeText(text);
	announce(t.copied);
}

export function DnsRecords({ domain }: { domain: string }) {
	const records = useAnswer("GET /domains/{name}/records", { path: { name: domain } });
	return (
		<Loaded held={records}>
			{(answer) => (
				<ul class="stack">
					{answer.records.map((record) => (
						<li class="stack tight" key={`${record.name} ${record.type} ${record.value}`}>
							<div class="line apart">
								<span class="line"><Mark tone="accent">{record.type}</Mark><span class="mono break">{record.name}</span><Mark tone={record.status === "missing" && !record.required ? "plain" : tones[record.status] ?? "plain"}>{t.states[record.status]}</Mark>{!record.required && <span class="soft small">{t.optional}</span>}</span>
								<button type="button" class="button tight" onClick={() => copy(record.value)}>{t.copy}<span class="unseen"> {record.type} {record.name}</span></button>
							</div>
							<code class="break">{record.value}</code>
							<p class="soft small">{record.purpose}</p>
							{record.status === "other" && <p class="small">{t.found} <code class="break">{record.found.join(", ")}</code></p>}
						</li>
					))}
				</ul>
			)}
		</Loaded>
	);
}
