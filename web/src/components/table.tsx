// SPDX-License-Identifier: Apache-2.0
// Tables. A paged one asks the server for one page at a time, by the place where the former ended.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useSettled } from "../core/use";
import { texts } from "../texts";

export interface Column<T> {
	title: string;
	cell: (row: T) => ComponentChildren;
	/** The class of its cells: "right num", "act", "mono". */
	kind?: string;
	/** Its title is for screen readers only. */
	unseen?: boolean;
}

interface TableProps<T> {
	caption: string;
	columns: readonly Column<T>[];
	rows: readonly T[];
	row_key: (row: T) => string | number;
	empty?: ComponentChildren;
	is_chosen?: (row: T) => boolean;
}

/** On a narrow screen each row stands as a card; the roles say that it is a table all the same. */
export function Table<T>({ caption, columns, rows, row_key, empty, is_chosen }: TableProps<T>) {
	if (rows.length === 0 && empty) return <>{empty}</>;
	return (
		<div class="wide" tabIndex={0} role="region" aria-label={caption}>
			<table role="table">
				<caption class="unseen">{caption}</caption>
				<thead role="rowgroup">
					<tr role="row">
						{columns.map((column) => (
							<th key={column.title} role="columnheader" scope="col" class={column.kind?.includes("right") ? "right" : ""}>
								{column.unseen ? <span class="unseen">{column.title}</span> : column.title}
							</th>
						))}
					</tr>
				</thead>
				<tbody role="rowgroup">
					{rows.map((row) => (
						<tr key={row_key(row)} role="row" class={is_chosen?.(row) ? "chosen" : ""}>
							{columns.map((column) => <td key={column.title} role="cell" class={column.kind} data-title={column.unseen ? undefined : column.title}>{column.cell(row)}</td>)}
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

export interface Paging {
	search: string;
	search_set: (text: string) => void;
	/** What to ask the server for. */
	query: { search?: string; from?: string; limit: string };
	page: number;
	forward: (next: string) => void;
	back: () => void;
}

/** Keeps where one is in a long list: the starts of the pages gone through, and what is searched for. */
export function usePaging(limit = 50): Paging {
	const [search, search_set] = useState("");
	const [starts, starts_set] = useState<string[]>([]);
	const settled = useSettled(search);
	useEffect(() => starts_set([]), [settled]);
	const from = starts.at(-1);
	return {
		search,
		search_set,
		query: { ...(settled ? { search: settled } : {}), ...(from ? { from } : {}), limit: String(limit) },
		page: starts.length + 1,
		forward: (next) => starts_set([...starts, next]),
		back: () => starts_set(starts.slice(0, -1)),
	};
}

export function SearchTool({ paging, label, children }: { paging: Paging; label: string; children?: ComponentChildren }) {
	return (
		<div class="tools" role="search">
			<input type="search" aria-label={label} placeholder={label} value={paging.search} onInput={(event) => paging.search_set(event.currentTarget.value)} />
			{children}
		</div>
	);
}

/** The foot of a paged table. */
export function Pages({ paging, shown, total, next }: { paging: Paging; shown: number; total?: number | null; next?: string | null }) {
	return (
		<>
			<span class="soft small num" role="status">{texts.common.shown(shown, total ?? null, paging.page)}</span>
			<span class="actions">
				<button type="button" class="button tight" disabled={paging.page === 1} onClick={paging.back}>{texts.common.back}</button>
				<button type="button" class="button tight" disabled={!next} onClick={() => next && paging.forward(next)}>{texts.common.next}</button>
			</span>
		</>
	);
}
