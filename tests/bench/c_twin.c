/* The rack loop of twin/racks/kernel.py in plain C: same arithmetic, same arrays, same reads and writes per rack. */

static inline void power_pass(long n, double *restrict p, const double *restrict offset, const double *restrict z0,
                              const double *restrict z1, double f, double curve, const double *restrict row,
                              double *restrict sums)
{
    double p0 = row[7], p1 = row[8], p2 = row[9], total = 0.0, used = 0.0;
    for (long i = 0; i < n; i++) {
        double u = curve * (1.0 + offset[i] + z0[i] + f * (z1[i] - z0[i]));
        u = u > 0.0 ? u : 0.0;
        u = u < 1.0 ? u : 1.0;
        double power = p0 + u * (p1 + u * p2);
        p[i] = power;
        total += power;
        used += u;
    }
    sums[0] += total;
    sums[1] += used;
}

static inline void heat_pass(long n, const double *restrict p, double *restrict t_p, double *restrict t_b,
                             const double *restrict row, const double *restrict m, double x, double a, double dt,
                             double *restrict sums)
{
    double s_l = row[0], s_b = row[1], s_a = row[2], g_pb = row[5], g_a = row[6], g_p = row[10];
    double r_p = dt / row[3], r_b = dt / row[4], m_pp = m[0], m_pb = m[1], m_bb = m[2];
    double liquid = 0.0, air = 0.0, sum_p = 0.0, sum_b = 0.0;
    for (long i = 0; i < n; i++) {
        double tp = t_p[i], tb = t_b[i], power = p[i];
        double cross = g_pb * (tp - tb);
        double f_p = s_l * power - g_p * (tp - x) - cross;
        double f_b = s_b * power - g_a * (tb - a) + cross;
        double mean_p = tp + m_pp * f_p + m_pb * f_b;
        double mean_b = tb + m_pb * f_p + m_bb * f_b;
        double q_l = g_p * (mean_p - x);
        double q_a = g_a * (mean_b - a);
        double q_pb = g_pb * (mean_p - mean_b);
        tp += r_p * (s_l * power - q_l - q_pb);
        tb += r_b * (s_b * power - q_a + q_pb);
        t_p[i] = tp;
        t_b[i] = tb;
        liquid += q_l;
        air += q_a + s_a * power;
        sum_p += tp;
        sum_b += tb;
    }
    sums[2] += liquid;
    sums[3] += air;
    sums[4] += sum_p;
    sums[5] += sum_b;
}

/* ptr (groups + 1), rows (groups, 11), matrix (groups, 3), drive (steps, 4): weight, curve, coolant and air inlet;
   racks (6, n): power, plate, body, offset, noise before and after; sums (steps, 6). */
void c_steps(long steps, long groups, long n, const long *ptr, const double *rows, const double *matrix,
             const double *drive, double dt, double *racks, double *sums)
{
    double *p = racks, *t_p = racks + n, *t_b = racks + 2 * n, *offset = racks + 3 * n, *z0 = racks + 4 * n;
    double *z1 = racks + 5 * n;
    for (long s = 0; s < steps; s++) {
        const double *d = drive + 4 * s;
        for (long g = 0; g < groups; g++) {
            long i = ptr[g];
            power_pass(ptr[g + 1] - i, p + i, offset + i, z0 + i, z1 + i, d[0], d[1], rows + 11 * g, sums + 6 * s);
        }
        for (long g = 0; g < groups; g++) {
            long i = ptr[g];
            heat_pass(ptr[g + 1] - i, p + i, t_p + i, t_b + i, rows + 11 * g, matrix + 3 * g, d[2], d[3], dt,
                      sums + 6 * s);
        }
    }
}
