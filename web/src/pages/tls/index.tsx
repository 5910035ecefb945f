// SPDX-License-Identifier: Apache-2.0
// Security > TLS Options.
import { useState } from "preact/hooks";
import { Loaded, Page, Tabs, View } from "../../components/parts";
import { HandEdits } from "../../components/together";
import { go, usePlace } from "../../core/router";
import { useSteady } from "../../core/steady";
import { texts } from "../../texts";
import { Advanced } from "./advanced";
import { Effective } from "./effective";
import { Evidence } from "./evidence";
import { Handshakes, Shares } from "./handshakes";
import { History } from "./history";
import { Minimum } from "./minimum";
import type { PolicyProps } from "./model";

const t = texts.tls;

const tabs = [["policy", t.tabs.policy], ["advanced", t.tabs.advanced], ["history", t.tabs.history], ["evidence", t.tabs.evidence]] as const;
type Tab = (typeof tabs)[number][0];

function Policy(props: PolicyProps) {
	return (
		<>
			<div class="split">
				<Minimum {...props} />
				{/* What tells whom a stricter minimum would reach stands beside the drop-down. */}
				<div class="stack"><Shares /></div>
			</div>
			<Effective turn={props.variables.generation} />
			<Handshakes />
		</>
	);
}

export function TlsOptions() {
	const place = usePlace();
	const tab = (tabs.find(([name]) => name === place.query.get("view"))?.[0] ?? "policy") as Tab;
	const [is_dirty, dirty] = useState(false);
	const steady = useSteady("GET /tls/variables", is_dirty);
	return (
		<Page title={t.title} lead={t.lead}>
			<Tabs label={t.title} tabs={tabs} chosen={tab} choose={(name) => go("/security/tls", { view: name }, true)} />
			<View name={tab}>
				<Loaded held={steady}>
					{(answer) => (
						<>
							<HandEdits edits={answer.edits} />
							{tab === "policy" && <Policy key={answer.generation} variables={answer} steady={steady} dirty={dirty} />}
							{tab === "advanced" && <Advanced key={answer.generation} variables={answer} steady={steady} dirty={dirty} />}
							{tab === "history" && <History steady={steady} />}
							{tab === "evidence" && <Evidence />}
						</>
					)}
				</Loaded>
			</View>
		</Page>
	);
}
