// The model that judges: what it scored, how it does here, whether the traffic has drifted away.
import { ask } from './api.js'
import { card, empty, fill, h, put, table } from './dom.js'
import { lasting, many, percent, whole } from './format.js'

const figure = (v, digits = 4) => typeof v === 'number' ? v.toFixed(digits) : '–'

// Pairs of [name, value].
const figures = (pairs) => h('dl', { class: 'figures' }, pairs.filter(Boolean).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]))

const binary = [['roc_auc', 'Area under ROC'], ['pr_auc', 'Area under precision-recall'], ['f1', 'F1'], ['precision', 'Precision'], ['recall', 'Recall'],
  ['fpr', 'False positive rate'], ['tpr_at_fpr_1e-2', 'Detection at 1 % false positives'], ['tpr_at_fpr_1e-3', 'Detection at 0.1 % false positives']]

function drift(profile) {
  if (!profile) return empty('No profile of this site', 'karma learn makes one; with it Karma says when the traffic has drifted away from what it was learnt on.')
  return h('div', { class: `notice ${profile.drifted ? 'warn' : 'good'}` },
    h('strong', {}, profile.drifted ? 'The traffic has drifted away' : 'The traffic is like what was learnt'),
    h('span', {}, profile.drifted ? `from ${profile.path}; let Karma learn anew.` : profile.path))
}

export const model = {
  title: 'Model',
  show(root) {
    let ended = false
    put(root, [h('h1', {}, 'Model'), h('p', { class: 'muted' }, 'Reading its card…')])
    ask('model').then((answer) => {
      if (ended) return
      const { model: m, card: c, cards } = answer
      const scores = c?.scores ?? {}
      const rows = (c?.data ?? []).reduce((a, d) => a + (d.rows ?? 0), 0)
      const here = cards.filter((x) => x.alerts > 0)
      const marked = here.reduce((a, x) => a + x.attacks + x.mistakes, 0)
      fill(root, h('h1', {}, 'Model ', h('span', { class: 'address muted' }, m.id)),
        h('p', { class: 'muted path' }, m.path),
        answer.why && h('div', { class: 'notice bad' }, h('strong', {}, answer.why)),
        h('div', { class: 'grid three' },
          card('Network', figures([['Judges by', `kernel ${m.kernel}`], ['Sensitivity', m.sensitivity ?? 'normal'],
            c?.shape && ['Cells', `${c.shape.layers} layers of ${c.shape.hidden}`], c?.shape && ['Inputs', whole(c.shape.inputs)],
            c && ['Features', whole(c.features.length)], c && ['Trained on', `${many(rows, 'row')} of ${many((c.data ?? []).length, 'file')}`],
            c?.settings?.best_epoch && ['Best epoch', `${c.settings.best_epoch} of ${c.settings.epochs}`]])),
          card('Attack or not', figures(binary.filter(([key]) => scores.binary?.[key] != null).map(([key, name]) => [name, figure(scores.binary[key])])),
            h('p', { class: 'muted' }, `On ${many(scores.rows ?? 0, 'row')} that were set aside while it was trained.`)),
          card('Calibration', figures([['Expected error of a probability', figure(scores.ece)], c && ['Temperature', figure(c.temperature)],
            c?.attack && ['Attack or not: log-odds', `× ${figure(c.attack.slope, 3)} ${c.attack.offset < 0 ? '−' : '+'} ${figure(Math.abs(c.attack.offset), 3)}`],
            c?.thresholds && ['An attack from, at 1 % false positives', percent(c.thresholds['fpr_1e-2'], 1)],
            c?.thresholds && ['at 0.1 %', percent(c.thresholds['fpr_1e-3'], 1)]]))),
        h('div', { class: 'grid two' },
          card('Drift', drift(answer.profile)),
          card('How it does here', here.length ? [table('Alerts here, by model and class', [
            ['Model', (x) => h('span', { class: 'address' }, x.model || 'unknown')], ['Class', (x) => x.class], ['Alerts', (x) => whole(x.alerts), 'number'],
            ['Acknowledged', (x) => whole(x.attacks), 'number'], ['False alarms', (x) => whole(x.mistakes), 'number'],
            ['Watched', (x) => x.seconds ? lasting(x.seconds) : '–', 'number']], here),
          !marked && h('p', { class: 'muted' }, 'Acknowledge alerts or mark false alarms, and this says how often it is right.')]
            : empty('No alert here yet'))),
        card('Classes', scores.classes?.length ? table('Scores by class', [
          ['Class', (x) => x.name], ['Rows', (x) => whole(x.support), 'number'], ['Precision', (x) => figure(x.precision, 3), 'number'],
          ['Recall', (x) => figure(x.recall, 3), 'number'], ['F1', (x) => figure(x.f1, 3), 'number'],
          ['', (x) => h('span', { class: 'meter' }, h('span', { class: 'meter-fill', style: { width: percent(x.f1) } }))]], scores.classes) : empty('The file has no scores')),
        c && h('details', { class: 'card' }, h('summary', {}, `Its ${c.features.length} features`), h('p', { class: 'features' }, c.features.join(', '))))
    }).catch((error) => !ended && fill(root, h('h1', {}, 'Model'), empty(error.message)))
    return { end() { ended = true } }
  },
}

