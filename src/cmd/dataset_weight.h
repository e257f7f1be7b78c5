/* How much a row teaches, and counts in a calibration. */
#ifndef KARMA_CMD_DATASET_WEIGHT_H
#define KARMA_CMD_DATASET_WEIGHT_H

#include "cmd/dataset.h"

/* Multiply what the rows of a file's attacks weigh (one host's of one class, or done to one; whose
 * ends are known) by the root rule of dataset_heaviest. -ENOMEM. */
int weigh_attacks(const struct row *row, size_t rows, float *weight);

/* What the rows of sequences `from` .. weigh in a calibration, from the first one's row on: by how
 * many of its class their sequence has, work as well as attacks, by the same rule. One host that is
 * mistaken for an attacker in a hundred records is one mistake. A row without an actor weighs as it
 * does in training. All rows have labels. */
void weigh_hosts(const struct dataset *d, size_t from, float *weight);

#endif
