// SPDX-License-Identifier: Apache-2.0
// "Keep these settings?": stands over every page while a change waits for its confirmation, counts
// down, and says when the server has undone it.
import { useEffect, useRef } from "preact/hooks";
import { ask } from "../core/api";
import { span } from "../core/format";
import { useKnown, useMayChange, type Status } from "../core/session";
import { useAction, useClock } from "../core/use";
import { texts } from "../texts";
import { announce } from "./announce";
import { FaultNote } from "./parts";

type Awaiting = NonNullable<Status["awaiting_confirmation"]>;

function useUndoTold(awaiting: Awaiting | null) {
	const was = useRef<Awaiting | null>(null);
	const kept = useRef(false);
	useEffect(() => {
		if (was.current && !awaiting && !kept.current) announce(texts.keep.undone);
		if (awaiting) kept.current = false;
		was.current = awaiting;
	}, [awaiting]);
	return kept;
}

function Bar({ awaiting, kept }: { awaiting: Awaiting; kept: { current: boolean } }) {
	const { status } = useKnown();
	const may_change = useMayChange();
	const now = useClock(true, 500);
	const whole = useRef(0);
	const left = Math.max(0, awaiting.until - now / 1000);
	whole.current = Math.max(whole.current, left);
	const keep = useAction(async () => {
		await ask("POST /tls/confirm");
		kept.current = true;
		announce(texts.keep.kept);
		status.reload();
	});
	// The last second is the server's: it is asked until it says that the change is gone.
	useEffect(() => {
		if (left <= 0) status.reload();
	}, [left <= 0]);
	return (
		<section class="keep" aria-label={texts.keep.title}>
			<div class="text">
				<strong>{texts.keep.title}</strong>{" "}
				<span>{texts.keep.text} </span>
				<span class="num nowrap" role="timer">{texts.keep.left(span(Math.ceil(left)))}</span>
			</div>
			<FaultNote fault={keep.fault} />
			{may_change && <button type="button" class="button main" disabled={keep.busy} onClick={() => keep.run()}>{texts.keep.keep}</button>}
			<progress max={whole.current || 1} value={left} aria-label={texts.keep.progress} />
		</section>
	);
}

export function Keep() {
	const { status } = useKnown();
	const awaiting = status.answer?.awaiting_confirmation ?? null;
	const kept = useUndoTold(awaiting);
	return awaiting && <Bar awaiting={awaiting} kept={kept} />;
}
