import { Background, MiniMap, ReactFlow, applyNodeChanges, useReactFlow, type Connection, type NodeChange, type ReactFlowInstance } from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import { useCallback, useEffect, useMemo, useState, type DragEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { Place } from '../model';
import { START, stepOf } from '../model';
import { useExitName, useKindName, useStepName, useSummary } from '../told';
import { exitsOf } from '../exits';
import { Arrow } from './Arrow';
import { edgesOf, ENTRANCE, frameId, isStep, nodesOf, noteId, type Drawn } from './nodes';
import { EntranceNode, FrameNode, NoteNode } from './OtherNodes';
import { AroundContext, type Around } from './state';
import { StepNode } from './StepNode';
import styles from './canvas.module.css';

const NODES = { step: StepNode, entrance: EntranceNode, note: NoteNode, frame: FrameNode };
const EDGES = { arrow: Arrow };
export const DRAGGED = 'application/antiphon-step';

interface CanvasProps {
  label: string;
  around: Around;
  places: Record<string, Place>;
  selected: readonly string[];
  onSelect: (ids: string[]) => void;
  /** A kind was dropped from the palette: at a place, or on an arrow. */
  onDropKind?: (kind: string, at: Place, on?: { key: string; exit: string }) => void;
  /** A small picture shows the whole, and has no map of itself. */
  small?: boolean;
  /** An arrow was drawn to where nothing is. */
  onLoose?: (from: { key: string; exit: string }, at: Place) => void;
}

/** A board opens whole. Only where that would leave dots (a long journey on a phone) it opens at its entrance, large enough to be
 * read; the rest is a drag away, or F shows it whole. */
const SEEN = 0.2;
const LEGIBLE = 0.6;

function begin(flow: ReactFlowInstance<Drawn>): void {
  if (flow.getZoom() >= SEEN) return;
  const entrance = flow.getNode(ENTRANCE);
  const height = document.querySelector('.react-flow')?.getBoundingClientRect().height ?? 600;
  if (entrance) void flow.setViewport({ x: 24 - entrance.position.x * LEGIBLE, y: height / 2 - (entrance.position.y + 40) * LEGIBLE, zoom: LEGIBLE });
}

const ownerOf = (id: string) => (id === ENTRANCE ? START : id);

/** The board itself: draws the journey, and tells what the mouse does to it. What the keyboard does is in `keys.ts`. */
export function Canvas({ label, around, places, selected, onSelect, small, onDropKind, onLoose }: CanvasProps) {
  const { t } = useTranslation();
  const { definition, kinds, readOnly, onEdit } = around;
  const flow = useReactFlow();
  const stepName = useStepName(definition);
  const kindName = useKindName();
  const exitName = useExitName();
  const summary = useSummary(definition);
  const [nodes, setNodes] = useState<Drawn[]>([]);

  const told = useCallback(
    (key: string) => {
      const step = stepOf(definition, key);
      if (!step) return key;
      const onward = exitsOf(step, kinds).map((exit) => {
        const to = step.next[exit];
        return t('journeys.leads_to', { exit: exitName(exit, step), to: to ? stepName(to) : t('journeys.ends_here') });
      });
      const found = around.findings.filter((one) => one.step === key).map((one) => one.message);
      return [stepName(key), step.title ? kindName(step.kind) : '', summary(step), ...onward, ...found].filter(Boolean).join('. ');
    },
    [definition, kinds, t, exitName, stepName, kindName, summary, around.findings],
  );
  const roles = useMemo(
    () => ({ step: t('journeys.role_step'), entrance: t('journeys.entrance'), frame: t('journeys.frame'), note: t('journeys.comment') }),
    [t],
  );
  // As text, so that steps are drawn anew only when what is said of one of them changes.
  const labels = JSON.stringify(Object.fromEntries(definition.steps.map((step) => [step.key, told(step.key)])));
  useEffect(() => {
    const said = JSON.parse(labels) as Record<string, string>;
    const drawn = nodesOf(definition, places, kinds, { step: (key) => said[key] ?? key, entrance: roles.entrance, roles }, readOnly);
    setNodes((before) => {
      const known = new Map(before.map((one) => [one.id, one]));
      return drawn.map((one) => {
        const was = known.get(one.id);
        return { ...one, selected: selected.includes(one.id), measured: was?.measured, dragging: was?.dragging };
      });
    });
  }, [definition, places, kinds, labels, roles, readOnly, selected]);
  const edges = useMemo(
    () => edgesOf(definition, (from, exit, to) => t('journeys.arrow_told', { from: stepName(from), to: stepName(to), exit: exitName(exit, stepOf(definition, from)) })),
    [definition, t, stepName, exitName],
  );
  const [pickedEdge, setPickedEdge] = useState<string | null>(null);

  const onNodesChange = useCallback(
    (changes: NodeChange<Drawn>[]) => {
      setNodes((before) => {
        const after = applyNodeChanges(changes, before);
        // A frame takes along what is in it.
        for (const change of changes) {
          if (change.type !== 'position' || !change.dragging || !change.position || !change.id.startsWith('-frame')) continue;
          const was = before.find((one) => one.id === change.id)?.position;
          const steps = definition.canvas.groups[Number(change.id.slice('-frame-'.length))]?.steps ?? [];
          if (!was) continue;
          const [dx, dy] = [change.position.x - was.x, change.position.y - was.y];
          return after.map((one) => (steps.includes(one.id) ? { ...one, position: { x: one.position.x + dx, y: one.position.y + dy } } : one));
        }
        return after;
      });
      const picks = changes.filter((one) => one.type === 'select');
      if (picks.length > 0) {
        const now = new Set(selected);
        for (const one of picks) {
          if (one.selected) now.add(one.id);
          else now.delete(one.id);
        }
        onSelect([...now]);
        setPickedEdge(null);
      }
    },
    [definition.canvas.groups, onSelect, selected],
  );
  const dropped = useCallback(
    (_: unknown, __: unknown, moved: Drawn[]) => {
      const put: Record<string, Place> = {};
      for (const one of moved) {
        if (isStep(one.id)) put[one.id] = [Math.round(one.position.x), Math.round(one.position.y)];
        if (one.id.startsWith('-note')) onEdit({ do: 'note', at: one.data.at ?? 0, part: { x: Math.round(one.position.x), y: Math.round(one.position.y) } });
        if (one.id.startsWith('-frame')) {
          for (const key of definition.canvas.groups[one.data.at ?? 0]?.steps ?? []) {
            const at = nodes.find((node) => node.id === key)?.position;
            if (at) put[key] = [Math.round(at.x), Math.round(at.y)];
          }
        }
      }
      // The first step somebody moves fixes where all others stand.
      if (Object.keys(put).length > 0) onEdit({ do: 'move', places: { ...places, ...put } });
    },
    [definition.canvas.groups, nodes, onEdit, places],
  );
  const connect = (made: Connection) => onEdit({ do: 'connect', from: ownerOf(made.source), exit: made.sourceHandle ?? 'next', to: made.target });
  const drop = (event: DragEvent) => {
    const kind = event.dataTransfer.getData(DRAGGED);
    if (!kind) return;
    event.preventDefault();
    const { x, y } = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
    const under = document.elementsFromPoint(event.clientX, event.clientY).map((one) => one.closest('.react-flow__edge')?.getAttribute('data-id')).find(Boolean);
    const [key, exit] = under?.split(' ') ?? [];
    onDropKind?.(kind, [Math.round(x - 110), Math.round(y - 32)], key && exit ? { key: ownerOf(key), exit } : undefined);
  };
  return (
    <AroundContext.Provider value={around}>
      <div className={styles.board} onDragOver={(event) => event.preventDefault()} onDrop={drop}>
        <ReactFlow<Drawn>
          aria-label={label}
          nodes={nodes}
          edges={edges.map((one) => (one.id === pickedEdge ? { ...one, selected: true } : one))}
          nodeTypes={NODES}
          edgeTypes={EDGES}
          onNodesChange={onNodesChange}
          onNodeDragStop={dropped}
          onSelectionDragStop={(event, moved) => dropped(event, undefined, moved as Drawn[])}
          onConnect={connect}
          onConnectEnd={(event, state) => {
            if (state.toNode || !state.fromNode || state.fromHandle?.type !== 'source') return;
            const point = 'changedTouches' in event ? event.changedTouches[0] : event;
            if (!point) return;
            const { x, y } = flow.screenToFlowPosition({ x: point.clientX, y: point.clientY });
            onLoose?.({ key: ownerOf(state.fromNode.id), exit: state.fromHandle.id ?? 'next' }, [Math.round(x), Math.round(y - 32)]);
          }}
          onEdgeClick={(_, edge) => setPickedEdge(edge.id)}
          onNodeClick={(event, node) => {
            if (!event.ctrlKey && !event.metaKey && !event.shiftKey && (isStep(node.id) || node.id === ENTRANCE)) around.onOpen(node.id);
          }}
          onPaneClick={() => { setPickedEdge(null); onSelect([]); }}
          onKeyDown={(event) => {
            if ((event.key !== 'Delete' && event.key !== 'Backspace') || !pickedEdge || readOnly) return;
            const [key, exit] = pickedEdge.split(' ');
            if (key && exit && key !== ENTRANCE) onEdit({ do: 'connect', from: key, exit, to: null });
            setPickedEdge(null);
            event.stopPropagation();
          }}
          nodesConnectable={!readOnly}
          nodesDraggable={!readOnly}
          edgesFocusable={false}
          disableKeyboardA11y
          deleteKeyCode={null}
          selectionKeyCode="Shift"
          multiSelectionKeyCode={['Control', 'Meta']}
          connectionRadius={40}
          minZoom={0.1}
          maxZoom={2}
          onInit={(ready) => void ready.fitView({ maxZoom: 1, padding: 0.12 }).then(() => { if (!small) begin(ready); })}
          tabIndex={-1}
          ariaLabelConfig={{ 'minimap.ariaLabel': t('journeys.minimap'), 'handle.ariaLabel': '' }}
        >
          <Background gap={20} size={1.4} />
          {!small && <MiniMap pannable zoomable nodeStrokeWidth={3} className="minimap" style={{ width: 150, height: 96 }} />}
        </ReactFlow>
      </div>
    </AroundContext.Provider>
  );
}

export { frameId, noteId };
