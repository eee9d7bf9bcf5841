import { dashboards } from '../dashboards/all.ts';
import type { Dashboard, Panel, Variable } from '../dashboards/panel.ts';

/** What the page draws from. A statement is nobody's business there. */
export const dashboardList = (): readonly object[] => dashboards.map(described);

const described = ({ uid, title, description, range, variables, panels }: Dashboard): object => ({
  uid,
  title,
  description,
  range,
  variables: variables.map(describedVariable),
  panels: panels.map(describedPanel),
});

function describedPanel({ sql: _sql, ...panel }: Panel): object {
  return panel;
}

function describedVariable(variable: Variable): object {
  const { kind, name, label } = variable;
  return kind === 'text' ? { kind, name, label, description: variable.description } : { kind, name, label };
}
