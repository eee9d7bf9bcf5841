import { afterAll, beforeAll } from 'vitest';
import { describeNeeds } from '../support/needs.ts';
import { SecuredKafka } from '../support/secured-kafka.ts';
import { killCases } from './cases/kills.ts';
import { loginCases } from './cases/logins.ts';
import { rightsCases } from './cases/rights.ts';
import { topicCases } from './cases/topics.ts';

describeNeeds(['java', 'mvn'], 'brokers that let in whom they know, and settings that are wrong', () => {
  let kafka: SecuredKafka;
  beforeAll(async () => {
    kafka = await SecuredKafka.start(['ship', 'analyze', 'store', 'siem', 'web']);
  }, 120_000);
  afterAll(() => kafka[Symbol.asyncDispose]());

  loginCases(() => kafka);
  rightsCases(() => kafka);
  topicCases(() => kafka);
  killCases(() => kafka);
});
