import { Alert, Button, Group, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { ReactFlowProvider, useReactFlow } from '@xyflow/react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useUndoKeys } from '../segments/builder/history';
import { useCheck } from './api';
import { Canvas } from './canvas/Canvas';
import { KeysHelp } from './canvas/KeysHelp';
import { useFocusStep, useKeys } from './canvas/keys';
import { ENTRANCE, isStep } from './canvas/nodes';
import { Palette } from './canvas/Palette';
import { AddStep, ConnectDialog } from './canvas/Pickers';
import type { Around } from './canvas/state';
import { Toolbar } from './canvas/Toolbar';
import { useClipboard } from './clipboard';
import { copy, pastedNames, type Clip } from './clip';
import type { Draft } from './draft';
import { exitsFor, exitsOf, type Kind } from './exits';
import { Findings, useFindingWords } from './Findings';
import { firstSettings } from './forms/form';
import { before, freshKey } from './graph';
import { arranged, heightOf, placesOf, WIDTH } from './layout';
import { START, stepOf, type Place } from './model';
import { RulesDrawer } from './RulesDrawer';
import { StepPanel } from './StepPanel';
import { Kept } from './Kept';
import styles from './canvas/canvas.module.css';

interface EditorProps {
  journeyId: number;
  draft: Draft;
  kinds: ReadonlyMap<string, Kind>;
  everLive: boolean;
  readOnly: boolean;
}

const NOTHING = new Map<never, never>();

/** The draft on its board: palette, canvas, the settings of what is chosen, and what is wrong with it. */
function Board({ journeyId, draft, kinds, everLive, readOnly }: EditorProps) {
  const { t } = useTranslation();
  const flow = useReactFlow();
  const focus = useFocusStep();
  const { definition, edit, undo, redo } = draft;
  const words = useFindingWords(definition);
  const [selected, setSelected] = useState<string[]>([]);
  const [open, setOpen] = useState<string | null>(null);
  const [adding, setAdding] = useState<{ after: { key: string; exit?: string } | null; at?: Place } | null>(null);
  const [connecting, setConnecting] = useState<string | null>(null);
  const [helping, setHelping] = useState(false);
  const panel = useRef<HTMLElement>(null);
  useUndoKeys({ undo: readOnly ? undefined : undo, redo: readOnly ? undefined : redo });

  const exits = useCallback((step: Parameters<typeof exitsOf>[0]) => exitsOf(step, kinds), [kinds]);
  const places = useMemo(() => placesOf(definition, exits), [definition, exits]);
  const [asked] = useDebouncedValue(definition, 450);
  const check = useCheck(journeyId, asked, true);
  const findings = useMemo(() => (check.data?.findings ?? []).map((one) => ({ ...one, message: words(one) })), [check.data, words]);
  const steps = selected.filter((id) => isStep(id) && stepOf(definition, id));

  const show = useCallback((key: string) => {
    setOpen(key);
    if (key !== ENTRANCE) setSelected([key]);
  }, []);
  const picked = useCallback((key: string) => {
    show(key);
    if (key !== ENTRANCE) focus(key); // what opens beside the board must not cover it
  }, [show, focus]);
  const around: Around = useMemo(
    () => ({ definition, kinds, readOnly, findings, changes: NOTHING, numbers: null, onEdit: edit, onOpen: picked }),
    [definition, kinds, readOnly, findings, edit, picked],
  );

  /** A new step: where it was dropped, else beside the one it follows, clear of what stands there. */
  const add = (kind: string, after?: { key: string; exit: string }, at?: Place) => {
    const key = freshKey(kind, new Set(definition.steps.map((one) => one.key)));
    const settings = firstSettings(kind, definition, after?.key);
    const follow = after ? (after.key === START ? undefined : places[after.key]) : undefined;
    const middle = flow.screenToFlowPosition({ x: window.innerWidth / 2, y: window.innerHeight / 2 });
    let [x, y] = at ?? (follow ? [follow[0] + WIDTH + 84, follow[1]] : after && definition.start ? (places[definition.start] ?? [0, 0]) : definition.steps.length === 0 ? [0, 0] : [middle.x, middle.y]);
    if (after && !at && stepOf(definition, after.key)?.next[after.exit]) {
      // In between two: what comes after makes room when the whole is arranged; till then it stands below the arrow.
      y += 110;
    }
    while (!at && definition.steps.some((one) => Math.abs((places[one.key]?.[0] ?? 0) - x) < WIDTH && Math.abs((places[one.key]?.[1] ?? 0) - y) < heightOf(exits(one).length))) y += 40;
    edit({ do: 'add', step: { kind, settings, key }, exits: exitsFor(kind, settings, kinds), at: [Math.round(x), Math.round(y)], after });
    setAdding(null);
    show(key);
    focus(key);
  };
  const loose = (key: string): { key: string; exit: string } | undefined => {
    const step = stepOf(definition, key);
    const ways = step ? exits(step) : ['next'];
    const exit = ways.find((one) => !step?.next[one]) ?? ways[0];
    return exit ? { key, exit } : undefined;
  };
  const pick = (kind: string) => {
    const last = steps.at(-1) ?? (definition.steps.length === 0 ? undefined : definition.steps.findLast((one) => exits(one).some((exit) => !one.next[exit]))?.key);
    add(kind, last ? loose(last) : undefined);
  };
  const stepsOf = (ids: readonly string[]) => ids.filter((id) => isStep(id) && stepOf(definition, id));
  const remove = (chosen: readonly string[] = selected) => {
    const going = stepsOf(chosen);
    const notes = chosen.filter((id) => id.startsWith('-note')).map((id) => Number(id.slice('-note-'.length)));
    for (const at of notes.sort((a, b) => b - a)) edit({ do: 'note', at, part: null });
    if (going.length > 0) edit({ do: 'remove', keys: going });
    setSelected([]);
    setOpen(null);
    const beside = going[0] ? (before(definition, going[0]).find((one) => !going.includes(one.key))?.key ?? ENTRANCE) : null;
    if (beside) focus(beside);
    else document.querySelector<HTMLElement>('[data-board]')?.focus();
  };
  const arrange = () => edit({ do: 'move', places: arranged(definition, exits) });
  const group = (chosen: readonly string[] = selected) => stepsOf(chosen).length > 0 && edit({ do: 'group', keys: stepsOf(chosen), title: t('journeys.frame') });
  const comment = () => {
    const box = document.querySelector('[data-board]')?.getBoundingClientRect();
    const { x, y } = flow.screenToFlowPosition({ x: (box?.left ?? 0) + (box?.width ?? 0) / 2, y: (box?.top ?? 0) + 40 });
    requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector<HTMLElement>('.react-flow__node-note:last-of-type textarea')?.focus()));
    edit({ do: 'comment', note: { text: '', x: Math.round(x), y: Math.round(y), width: 220, height: 80 } });
  };
  const put = useCallback(
    (clip: Clip) => {
      const names = [...pastedNames(definition, clip).values()];
      const { x, y } = flow.screenToFlowPosition({ x: window.innerWidth / 2 - 120, y: window.innerHeight / 2 - 60 });
      edit({ do: 'paste', clip, at: [Math.round(x), Math.round(y)] });
      setSelected(names);
    },
    [definition, edit, flow],
  );
  const clipboard = useClipboard({ take: () => (steps.length > 0 ? copy(definition, steps, places) : null), put, cut: () => remove(), readOnly });
  const onKeyDown = useKeys({
    definition,
    places,
    selected,
    onSelect: setSelected,
    verbs: {
      open: (key) => {
        show(key);
        setTimeout(() => panel.current?.querySelector<HTMLElement>('input,textarea')?.focus(), 120);
      },
      help: () => setHelping(true),
      close: () => { setOpen(null); setSelected([]); },
      ...(!readOnly && {
        addAfter: (key: string) => setAdding({ after: definition.steps.length > 0 || key === START ? { key } : null }),
        connect: setConnecting,
        remove,
        nudge: (by: Place, keys: string[]) => edit({ do: 'nudge', keys: stepsOf(keys), by, from: places }),
        group,
        comment,
        arrange,
        duplicate: (keys: string[]) => stepsOf(keys).length > 0 && put(copy(definition, stepsOf(keys), places)),
      }),
    },
  });
  // The settings that are open follow the one step that is chosen.
  const only = steps.length === 1 ? steps[0] : undefined;
  useEffect(() => {
    setOpen((now) => (now && isStep(now) ? (only ?? (stepOf(definition, now) ? now : null)) : now));
  }, [definition, only]);
  const go = (key: string | undefined) => {
    show(key ?? ENTRANCE);
    if (key) focus(key);
  };
  const chosen = open && isStep(open) ? stepOf(definition, open) : undefined;
  return (
    <div className={styles.desk} data-builder onCopy={clipboard.onCopy} onCut={clipboard.onCut} onPaste={clipboard.onPaste}>
      <Toolbar
        editing={!readOnly}
        undo={undo}
        redo={redo}
        add={() => setAdding({ after: steps[0] ? { key: steps[0] } : null })}
        copy={steps.length > 0 ? clipboard.copy : undefined}
        paste={clipboard.paste}
        remove={selected.length > 0 ? () => remove() : undefined}
        group={steps.length > 0 ? () => group() : undefined}
        comment={comment}
        arrange={definition.steps.length > 1 ? arrange : undefined}
        help={() => setHelping(true)}
      >
        <Button size="compact-sm" variant="subtle" onClick={() => setOpen(ENTRANCE)}>{t('journeys.rules_title')}</Button>
      </Toolbar>
      {draft.kept === 'conflict' && (
        <Alert color="orange" radius={0} role="alert" title={t('journeys.conflict')}>
          <Group gap="xs">
            <Text size="sm">{t('journeys.conflict_hint')}</Text>
            <Button size="xs" onClick={() => void draft.takeTheirs()}>{t('journeys.take_theirs')}</Button>
            <Button size="xs" variant="default" onClick={() => void draft.keepMine()}>{t('journeys.keep_mine')}</Button>
          </Group>
        </Alert>
      )}
      <div className={styles.floor}>
        {!readOnly && <nav className={styles.palette} aria-label={t('journeys.palette')}><Palette kinds={[...kinds.values()]} onPick={pick} /></nav>}
        <div
          className={styles.middle}
          onKeyDown={onKeyDown}
          data-board
          tabIndex={-1}
          onFocus={({ target }) => {
            const id = target.matches('.react-flow__node:focus-visible') ? target.getAttribute('data-id') : null;
            if (id && !selected.includes(id)) setSelected([id]);
          }}
        >
          <Canvas
            label={t('journeys.board')}
            around={around}
            places={places}
            selected={selected}
            onSelect={setSelected}
            onDropKind={(kind, at, on) => add(kind, on, at)}
            onLoose={(after, at) => setAdding({ after, at })}
          />
        </div>
        {chosen && (
          <aside className={styles.panel} ref={panel} aria-label={t('journeys.step_settings')} onKeyDown={(event) => { if (event.key === 'Escape') { setOpen(null); focus(chosen.key); } }}>
            <StepPanel definition={definition} kinds={kinds} stepKey={chosen.key} journeyId={journeyId} mayRename={!everLive} readOnly={readOnly} findings={findings} onEdit={edit} onRenamed={(key) => show(key)} onRemove={() => remove([chosen.key])} onClose={() => { setOpen(null); focus(chosen.key); }} />
          </aside>
        )}
      </div>
      <div className={styles.foot}>
        <Findings definition={definition} findings={findings} checking={check.isFetching} onGo={go} />
        <span style={{ flex: 1 }} />
        {!readOnly && <Kept draft={draft} />}
      </div>
      {open === ENTRANCE && <RulesDrawer definition={definition} kinds={kinds} readOnly={readOnly} onEdit={edit} onClose={() => setOpen(null)} />}
      {adding && <AddStep definition={definition} kinds={kinds} after={adding.after} onClose={() => { setAdding(null); if (adding.after) focus(adding.after.key || ENTRANCE); }} onPick={(kind, after) => add(kind, after, adding.at)} />}
      {connecting !== null && <ConnectDialog definition={definition} kinds={kinds} from={connecting} onEdit={edit} onClose={() => { setConnecting(null); focus(connecting === START ? ENTRANCE : connecting); }} />}
      {helping && <KeysHelp onClose={() => setHelping(false)} />}
    </div>
  );
}

export function Editor(props: EditorProps) {
  return <ReactFlowProvider><Board {...props} /></ReactFlowProvider>;
}
