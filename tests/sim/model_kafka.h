#ifndef SIM_MODEL_KAFKA_H
#define SIM_MODEL_KAFKA_H

#include <stdbool.h>

/* Nobody hears of an answer that did not come: a mutation (faults.h). */
bool model_kafka_hides_lost_answers(void);

#endif
