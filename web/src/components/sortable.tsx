// SPDX-License-Identifier: Apache-2.0
// A list whose order is set by buttons, by the keyboard (Alt with the arrow keys) or by dragging.
// Each row can be switched on and off.
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { texts } from "../texts";
import { announce } from "./announce";
import { Icon } from "./icon";

interface SortableProps<T> {
	label: string;
	rows: readonly T[];
	row_key: (row: T) => string;
	is_on: (row: T) => boolean;
	toggle: (row: T) => void;
	move: (from: number, to: number) => void;
	disabled?: boolean;
	detail: (row: T) => ComponentChildren;
}

/** The list with the item at `from` taken out and put in at `to`. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
	const copy = [...list];
	const [item] = copy.splice(from, 1);
	if (item !== undefined) copy.splice(to, 0, item);
	return copy;
}

export function Sortable<T>({ label, rows, row_key, is_on, toggle, move, disabled, detail }: SortableProps<T>) {
	const list = useRef<HTMLOListElement>(null);
	const [held, held_set] = useState<number | null>(null);

	const step = (from: number, to: number) => {
		if (to < 0 || to >= rows.length) return;
		move(from, to);
		announce(texts.common.moved(row_key(rows[from]!), to + 1, rows.length));
		requestAnimationFrame(() => list.current?.children[to]?.querySelector("input")?.focus());
	};
	const key_down = (event: KeyboardEvent, at: number) => {
		const way = event.altKey ? { ArrowUp: -1, ArrowDown: 1 }[event.key] : undefined;
		if (way === undefined || disabled) return;
		event.preventDefault();
		step(at, at + way);
	};
	const drag = (event: PointerEvent) => {
		if (held === null || !list.current) return;
		const at = [...list.current.children].findIndex((row) => event.clientY < row.getBoundingClientRect().bottom);
		const to = at < 0 ? rows.length - 1 : at;
		if (to === held) return;
		move(held, to);
		held_set(to);
	};
	const grab = (event: PointerEvent, at: number) => {
		if (disabled) return;
		(event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
		held_set(at);
	};
	return (
		<ol class="order" ref={list} aria-label={label}>
			{rows.map((row, at) => {
				const name = row_key(row);
				return (
					<li key={name} class={`${held === at ? "held" : ""} ${is_on(row) ? "" : "off"}`} onKeyDown={(event) => key_down(event, at)}>
						<input type="checkbox" checked={is_on(row)} disabled={disabled} aria-label={name} onChange={() => toggle(row)} />
						<span class="grip" onPointerDown={(event) => grab(event, at)} onPointerMove={drag} onPointerUp={() => held_set(null)} onPointerCancel={() => held_set(null)}><Icon name="grip" /></span>
						<span class="mono break">{name}</span>
						<span class="marks">{detail(row)}</span>
						<span class="moves">
							<button type="button" class="button plain tight" disabled={disabled || at === 0} aria-label={texts.common.move_up(name)} onClick={() => step(at, at - 1)}><Icon name="up" /></button>
							<button type="button" class="button plain tight" disabled={disabled || at === rows.length - 1} aria-label={texts.common.move_down(name)} onClick={() => step(at, at + 1)}><Icon name="down" /></button>
						</span>
					</li>
				);
			})}
		</ol>
	);
}
