// SPDX-License-Identifier: Apache-2.0
// Security > TLS Options.
import { Difference, Loaded, Note, Page, Tabs, View } from "../../components/parts";
import { go, usePlace } from "../../core/router";
import { useKnown } from "../../core/session";
import { useAnswer } from "../../core/use";
import { texts } from "../../texts";
import { Advanced } from "./advanced";
import { Effective } from "./effective";
import { Evidence } from "./evidence";
import { Handshakes, Shares } from "./handshakes";
import { History } from "./history";
import { Minimum } from "./minimum";
import type { Variables } from "./model";

const t = texts.tls;

const tabs = [["policy", t.tabs.policy], ["advanced", t.tabs.advanced], ["history", t.tabs.history], ["evidence", t.tabs.evidence]] as const;
type Tab = (typeof tabs)[number][0];

/** A hand edit of the file that is not in force yet. */
function Edits({ variables }: { variables: Variables }) {
	if (variables.edits.length === 0) return null;
	return (
		<Note tone="warn" title={t.edited}>
			<p>{t.edited_text}</p>
			<Difference changes={variables.edits} />
		</Note>
	);
}

function Policy({ variables, reload }: { variables: Variables; reload: () => void }) {
	return (
		<>
			<div class="split">
				<Minimum variables={variables} reload={reload} />
				{/* What tells whom a stricter minimum would reach stands beside the drop-down. */}
				<div class="stack"><Shares /></div>
			</div>
			<Effective turn={variables.generation} />
			<Handshakes />
		</>
	);
}

export function TlsOptions() {
	const place = usePlace();
	const tab = (tabs.find(([name]) => name === place.query.get("view"))?.[0] ?? "policy") as Tab;
	const { status } = useKnown();
	// A change that is undone by itself, or made by somebody else, is another generation.
	const generation = status.answer ? `${status.answer.generation} ${status.answer.awaiting_confirmation?.until ?? ""}` : "";
	const variables = useAnswer(status.answer || status.fault ? "GET /tls/variables" : null, {}, 0, generation);
	return (
		<Page title={t.title} lead={t.lead}>
			<Tabs label={t.title} tabs={tabs} chosen={tab} choose={(name) => go("/security/tls", { view: name }, true)} />
			<View name={tab}>
				<Loaded held={variables}>
					{(answer) => (
						<>
							<Edits variables={answer} />
							{tab === "policy" && <Policy key={answer.generation} variables={answer} reload={variables.reload} />}
							{tab === "advanced" && <Advanced key={answer.generation} variables={answer} reload={variables.reload} />}
							{tab === "history" && <History reload={variables.reload} />}
							{tab === "evidence" && <Evidence />}
						</>
					)}
				</Loaded>
			</View>
		</Page>
	);
}
