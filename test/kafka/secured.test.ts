import { afterAll, beforeAll } from 'vitest';
import { SecuredKafka } from '../support/secured-kafka.ts';
import { loginCases } from './cases/logins.ts';
import { rightsCases } from './cases/rights.ts';
import { topicCases } from './cases/topics.ts';

let kafka: SecuredKafka;
beforeAll(async () => {
  kafka = await SecuredKafka.start(['ship', 'analyze', 'store', 'siem', 'web']);
}, 120_000);
afterAll(() => kafka[Symbol.asyncDispose]());

loginCases(() => kafka);
rightsCases(() => kafka);
topicCases(() => kafka);
