// SPDX-License-Identifier: Apache-2.0
// Security > TLS Options.
import { useEffect, useState } from "preact/hooks";
import { Difference, Loaded, Note, Page, Tabs, View } from "../../components/parts";
import { go, usePlace } from "../../core/router";
import { useKnown } from "../../core/session";
import { useAnswer, type Held } from "../../core/use";
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

interface TabProps {
	variables: Variables;
	reload: () => void;
	/** Told when a change is begun, and when it is over. */
	dirty: (is_dirty: boolean) => void;
}

function Policy({ variables, reload, dirty }: TabProps) {
	return (
		<>
			<div class="split">
				<Minimum variables={variables} reload={reload} dirty={dirty} />
				{/* What tells whom a stricter minimum would reach stands beside the drop-down. */}
				<div class="stack"><Shares /></div>
			</div>
			<Effective turn={variables.generation} />
			<Handshakes />
		</>
	);
}

/** The variables as they were when a change was begun: nothing moves below who is making one. */
function useSteady(answer: Variables | null, is_dirty: boolean) {
	const [shown, shown_set] = useState<Variables | null>(null);
	const is_same = shown !== null && answer !== null && shown.generation === answer.generation;
	useEffect(() => {
		if (answer && (!is_dirty || shown === null || is_same)) shown_set(answer);
	}, [answer, is_dirty]);
	return { shown, is_outdated: shown !== null && answer !== null && !is_same && is_dirty, load: () => shown_set(answer) };
}

function Outdated({ load }: { load: () => void }) {
	return (
		<Note tone="warn" title={t.review.conflict} role="alert">
			<p>{t.review.outdated}</p>
			<p><button type="button" class="button tight" onClick={load}>{t.review.conflict_reload}</button></p>
		</Note>
	);
}

export function TlsOptions() {
	const place = usePlace();
	const tab = (tabs.find(([name]) => name === place.query.get("view"))?.[0] ?? "policy") as Tab;
	const { status } = useKnown();
	// A change that is undone by itself, or made by somebody else, is another generation.
	const generation = status.answer ? `${status.answer.generation} ${status.answer.awaiting_confirmation?.until ?? ""}` : "";
	const variables = useAnswer(status.answer || status.fault ? "GET /tls/variables" : null, {}, 0, generation);
	const [is_dirty, dirty] = useState(false);
	const { shown, is_outdated, load } = useSteady(variables.answer, is_dirty);
	const held: Held<"GET /tls/variables"> = { ...variables, answer: shown };
	return (
		<Page title={t.title} lead={t.lead}>
			<Tabs label={t.title} tabs={tabs} chosen={tab} choose={(name) => go("/security/tls", { view: name }, true)} />
			<View name={tab}>
				{is_outdated && <Outdated load={load} />}
				<Loaded held={held}>
					{(answer) => (
						<>
							<Edits variables={answer} />
							{tab === "policy" && <Policy key={answer.generation} variables={answer} reload={variables.reload} dirty={dirty} />}
							{tab === "advanced" && <Advanced key={answer.generation} variables={answer} reload={variables.reload} dirty={dirty} />}
							{tab === "history" && <History reload={variables.reload} />}
							{tab === "evidence" && <Evidence />}
						</>
					)}
				</Loaded>
			</View>
		</Page>
	);
}
