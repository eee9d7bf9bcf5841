/**
 * What every view gets.
 *
 * @typedef {Omit<import('../../dashboards/panel.ts').Dashboard, 'variables' | 'panels'> & {
 *   variables: import('../../dashboards/panel.ts').Variable[], panels: import('../../dashboards/panel.ts').Panel[] }} DashboardShown
 *
 * @typedef {object} Me
 * @property {'viewer' | 'operator'} role
 * @property {string} site
 * @property {string} gate
 * @property {string} version
 * @property {boolean} history - There is a store to ask.
 *
 * @typedef {object} Context
 * @property {import('./routes.js').Route} route
 * @property {HTMLElement} main
 * @property {Me} me
 * @property {readonly DashboardShown[]} dashboards
 * @property {string} zone - Of the viewer's clock.
 * @property {AbortSignal} signal - Aborted when another view is shown.
 */

export {};
