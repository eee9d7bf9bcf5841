import tseslint from 'typescript-eslint';

// Biome formats and lints; ESLint runs only the rules that need the type checker.
export default [
  { ignores: ['node_modules/', 'coverage/', 'console/page/uplot.*'] },
  {
    files: ['**/*.ts', 'console/page/*.js'],
    languageOptions: { parser: tseslint.parser, parserOptions: { projectService: true } },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
];
