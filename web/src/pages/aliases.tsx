// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { announce } from "../components/announce";
import { FormDialog, RemoveConfirm } from "../components/dialog";
import { Text } from "../components/form";
import { Empty, Loaded, Page, Panel } from "../components/parts";
import { Pages, SearchTool, Table, usePaging, type Column } from "../components/table";
import { ask, type Answer } from "../core/api";
import { useMayChange } from "../core/session";
import { useAction, useAnswer } from "../core/use";
import { texts } from "../texts";

const t = texts.aliases;

type Alias = Answer<"GET /aliases">["aliases"][number];

function AddAlias({ close, done }: { close: () => void; done: () => void }) {
	const [address, address_set] = useState("");
	const [targets, targets_set] = useState("");
	const add = useAction(async () => {
		await ask("POST /aliases", { body: { address, targets: targets.split(/[\s,]+/).filter(Boolean) } });
		announce(texts.common.added(address));
		done();
	});
	return (
		<FormDialog title={t.add} verb={t.add} action={add} close={close}>
			<Text label={t.address} name="address" type="email" value={address} change={address_set} placeholder="info@example.org" />
			<Text label={t.targets} name="targets" value={targets} change={targets_set} lines={3} hint={t.targets_hint} />
		</FormDialog>
	);
}

const columns = (may_change: boolean, remove: (address: string) => void): Column<Alias>[] => [
	{ title: t.address, cell: (alias) => <span class="break">{alias.address}</span> },
	{ title: t.targets, cell: (alias) => <span class="break">{alias.targets.join(", ")}</span> },
	{ title: texts.common.actions, unseen: true, kind: "act", cell: (alias) => may_change && <button type="button" class="button tight" onClick={() => remove(alias.address)}>{texts.common.remove}<span class="unseen"> {alias.address}</span></button> },
];

export function Aliases() {
	const paging = usePaging();
	const aliases = useAnswer("GET /aliases", { query: paging.query });
	const may_change = useMayChange();
	const [adding, adding_set] = useState(false);
	const [removing, removing_set] = useState<string | null>(null);
	const done = () => {
		adding_set(false);
		removing_set(null);
		aliases.reload();
	};
	return (
		<Page title={t.title} lead={t.lead} actions={may_change && <button type="button" class="button main" onClick={() => adding_set(true)}>{t.add}</button>}>
			<Panel bare footer={<Pages paging={paging} shown={aliases.answer?.aliases.length ?? 0} total={aliases.answer?.total} next={aliases.answer?.next} />}>
				<SearchTool paging={paging} label={t.search} />
				<Loaded held={aliases}>
					{(answer) => <Table caption={t.title} columns={columns(may_change, removing_set)} rows={answer.aliases} row_key={(alias) => alias.address} empty={<Empty title={t.none}><p>{t.none_text}</p></Empty>} />}
				</Loaded>
			</Panel>
			{adding && <AddAlias close={() => adding_set(false)} done={done} />}
			{removing !== null && <RemoveConfirm title={t.remove(removing)} text={t.remove_text} remove={() => ask("DELETE /aliases/{address}", { path: { address: removing } })} said={texts.common.removed(removing)} close={() => removing_set(null)} done={done} />}
		</Page>
	);
}
