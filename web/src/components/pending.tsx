// SPDX-License-Identifier: Apache-2.0
// The bar over the end of a page on which changes are gathered: how many there are, and what to do with them.
import type { Fault } from "../core/api";
import { texts } from "../texts";
import { FaultNote } from "./parts";
import { is_conflict, Outdated, type Standing } from "./together";

interface PendingProps {
	text: string;
	verb: string;
	standing: Standing;
	/** What the server refused, where that stands beside no field. */
	fault: Fault | null;
	busy: boolean;
	discard: () => void;
	save: () => void;
}

export function Pending({ text, verb, standing, fault, busy, discard, save }: PendingProps) {
	const is_late = standing.is_outdated || is_conflict(fault);
	return (
		<div class="pending panel" role="region" aria-label={text}>
			<Outdated standing={standing} fault={fault} drop={discard} />
			{!is_conflict(fault) && <FaultNote fault={fault} />}
			<strong>{text}</strong>
			<span class="actions">
				<button type="button" class="button" onClick={discard}>{texts.common.discard}</button>
				<button type="button" class="button main" disabled={busy || is_late} onClick={save}>{verb}</button>
			</span>
		</div>
	);
}
