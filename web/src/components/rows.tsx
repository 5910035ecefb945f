// SPDX-License-Identifier: Apache-2.0
// Rows of a list of mailserver.cfg: shown, added, changed and removed. What a row may hold and what
// each variable means comes from the server. Each change names the configuration that it is about, so
// that nobody's change is overwritten unseen.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ask, type Answer } from "../core/api";
import { useMayChange } from "../core/session";
import { useSteady, type Steady } from "../core/steady";
import { useAction } from "../core/use";
import { texts } from "../texts";
import { announce } from "./announce";
import { FormDialog, RemoveConfirm } from "./dialog";
import { Select, Text, type Options } from "./form";
import { Empty, Loaded, Note, Page, Panel } from "./parts";
import { Table, type Column } from "./table";
import { HandEdits } from "./together";

const t = texts.rows;

export type ListName = "TlsPolicy" | "RelayRule" | "Pop3Account" | "AcmeCertificate";
export type Rows = Answer<`GET /lists/${ListName}`>;
export type Row = Rows["rows"][number];
type Values = Readonly<Record<string, string>>;

/** How a variable is shown in the form, where a text field is not right. */
export interface Kinds {
	[variable: string]: Options | "password" | "date" | undefined;
}

interface EditProps {
	list: ListName;
	rows: Rows;
	steady: Steady<`GET /lists/${ListName}`>;
	row: Row | null;
	kinds: Kinds;
	title: string;
	close: () => void;
	done: () => void;
}

/** The variables whose value is another; null takes one out. */
function changes_of(before: Values, now: Values): Record<string, string | null> {
	return Object.fromEntries(Object.entries(now).filter(([name, value]) => value !== (before[name] ?? "")).map(([name, value]) => [name, value === "" ? null : value]));
}

function VariableField({ variable, kinds, value, change }: { variable: Rows["settings"][number]; kinds: Kinds; value: string; change: (value: string) => void }) {
	const kind = kinds[variable.name];
	const common = { label: variable.name, name: variable.name, hint: variable.meaning, value, change };
	if (Array.isArray(kind)) return <Select {...common} options={kind as Options} />;
	return <Text {...common} type={kind === "date" ? "date" : "text"} placeholder={variable.default ?? ""} />;
}

function Edit({ list, rows, steady, row, kinds, title, close, done }: EditProps) {
	const [values, values_set] = useState<Values>(row?.values ?? {});
	const [removing, removing_set] = useState(false);
	const changed = changes_of(row?.values ?? {}, values);
	const save = useAction(async () => {
		const body = { values: changed, generation: rows.generation };
		await steady.change(() => (row ? ask(`PATCH /lists/${list}/{row}`, { path: { row: String(row.number) }, body }) : ask(`POST /lists/${list}`, { body })));
		announce(texts.common.saved);
		done();
	});
	const remove = () => steady.change(() => ask(`DELETE /lists/${list}/{row}`, { path: { row: String(row!.number) }, body: { generation: rows.generation } }));
	if (removing) return <RemoveConfirm title={t.remove} text={t.remove_text} remove={remove} said={t.removed} close={() => removing_set(false)} done={done} standing={steady} />;
	const more = row && <button type="button" class="button danger" onClick={() => removing_set(true)}>{texts.common.remove}</button>;
	return (
		<FormDialog title={title} verb={texts.common.save} action={save} close={close} large standing={steady} idle={Object.keys(changed).length === 0} more={more}>
			<div class="pair">
				{rows.settings.map((variable) => (
					<VariableField key={variable.name} variable={variable} kinds={kinds} value={values[variable.name] ?? ""} change={(value) => values_set({ ...values, [variable.name]: value })} />
				))}
			</div>
		</FormDialog>
	);
}

interface RowsPageProps {
	list: ListName;
	words: { title: string; lead: string; add: string; edit: string; none: string; none_text: string };
	kinds: Kinds;
	/** The columns between the name and the end; the first opens the row. */
	columns: readonly Column<Row>[];
	name: (row: Row) => string;
	acts?: (row: Row) => ComponentChildren;
	children?: () => ComponentChildren;
}

function all_columns(props: RowsPageProps, may_change: boolean, open: (row: Row) => void): Column<Row>[] {
	const first = props.columns[0]!;
	const opener: Column<Row> = { ...first, cell: (row) => (may_change ? <button type="button" class="button cell break" onClick={() => open(row)}>{props.name(row) || t.unnamed}</button> : props.name(row)) };
	const acts: Column<Row>[] = props.acts ? [{ title: texts.common.actions, unseen: true, kind: "act", cell: props.acts }] : [];
	return [opener, ...props.columns.slice(1), ...acts];
}

/** What the check says of each row. */
function Findings({ rows, name }: { rows: Rows; name: (row: Row) => string }) {
	const findings = rows.rows.flatMap((row) => row.findings.map((finding) => ({ ...finding, of: [name(row), finding.variable].filter(Boolean).join(", ") })));
	return <>{findings.map((finding) => <Note key={`${finding.line} ${finding.text}`} tone={finding.severity === "error" ? "bad" : "warn"}><strong class="break">{finding.of}</strong>: {finding.text}</Note>)}</>;
}

export function RowsPage(props: RowsPageProps) {
	const { words } = props;
	const may_change = useMayChange();
	const [open, open_set] = useState<Row | "add" | null>(null);
	const held = useSteady(`GET /lists/${props.list}` as const, open !== null);
	const close = () => open_set(null);
	return (
		<Page title={words.title} lead={words.lead} actions={may_change && <button type="button" class="button main" disabled={held.answer === null} onClick={() => open_set("add")}>{words.add}</button>}>
			<Loaded held={held}>
				{(answer) => (
					<>
						<HandEdits edits={answer.edits} />
						<Findings rows={answer} name={props.name} />
						<Panel bare>
							<Table caption={words.title} columns={all_columns(props, may_change, open_set)} rows={answer.rows} row_key={(row) => row.number} empty={<Empty title={words.none}><p>{words.none_text}</p></Empty>} />
						</Panel>
						{open !== null && <Edit list={props.list} rows={answer} steady={held} row={open === "add" ? null : open} kinds={props.kinds} title={open === "add" ? words.add : words.edit} close={close} done={close} />}
					</>
				)}
			</Loaded>
			{props.children?.()}
		</Page>
	);
}
