// SPDX-License-Identifier: Apache-2.0
// Before a change is made: what it means in words, what it writes, and how long one has to confirm it.
import { useState } from "preact/hooks";
import { announce } from "../../components/announce";
import { Confirm } from "../../components/dialog";
import { Select } from "../../components/form";
import { Difference, Loaded, Note } from "../../components/parts";
import { ask } from "../../core/api";
import type { Steady } from "../../core/steady";
import { useAction, useAnswer } from "../../core/use";
import { texts } from "../../texts";
import type { Wish } from "./model";
import { plan_in_words, type Plan, type Sentence } from "./words";

const t = texts.tls.review;

function Direction({ title, sentences }: { title: string; sentences: readonly Sentence[] }) {
	if (sentences.length === 0) return null;
	return (
		<div class="stack tight">
			<h3>{title}</h3>
			{sentences.map((sentence) => <Note key={sentence.key} tone={sentence.tone}>{sentence.text}</Note>)}
		</div>
	);
}

/** A plan in words, inbound and outbound apart. */
export function Meaning({ plan }: { plan: Plan }) {
	const { inbound, outbound } = plan_in_words(plan);
	const left = plan.notes ?? [];
	if (plan.changes.length === 0) return <p class="soft">{t.nothing}</p>;
	return (
		<>
			{inbound.length + outbound.length === 0 && <p class="soft">{t.unnoticed}</p>}
			<Direction title={texts.tls.inbound} sentences={inbound} />
			<Direction title={texts.tls.outbound} sentences={outbound} />
			{left.length > 0 && <Note tone="warn" title={t.left_below}>{left.map((note) => <div key={note.text}>{note.text}</div>)}</Note>}
		</>
	);
}

/** How long one has to confirm a change; "" where it holds at once. */
export function Within({ value, change }: { value: string; change: (value: string) => void }) {
	return <Select label={t.within} hint={t.within_hint} value={value} change={change} options={t.within_options} />;
}

export const within_default = "5m";

/** What the order of a change says of it. */
export const within_part = (within: string) => (within ? { confirm_within: within } : {});

interface ReviewProps {
	wish: Wish;
	steady: Steady<"GET /tls/variables">;
	close: () => void;
	/** The change was made, or is given up for another that was quicker. */
	done: () => void;
}

export function Review({ wish, steady, close, done }: ReviewProps) {
	const plan = useAnswer("POST /tls/plan", { body: wish });
	const [within, within_set] = useState<string>(within_default);
	const apply = useAction(async () => {
		await steady.change(() => ask("POST /tls/set", { body: { ...wish, generation: steady.generation, ...within_part(within) } }));
		announce(within ? t.applied_waiting : t.applied);
		done();
	});
	const is_change = (plan.answer?.changes.length ?? 0) > 0;
	return (
		<Confirm title={t.title} verb={t.apply} large action={apply} idle={!is_change} close={close} standing={steady}>
			<Loaded held={plan}>
				{(answer) => (
					<>
						<Meaning plan={answer} />
						{is_change && (
							<>
								<div class="stack tight">
									<h3>{t.written}</h3>
									<Difference changes={answer.changes} />
								</div>
								<Within value={within} change={within_set} />
							</>
						)}
					</>
				)}
			</Loaded>
		</Confirm>
	);
}
