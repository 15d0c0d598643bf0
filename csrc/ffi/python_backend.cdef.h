/* python_backend.cdef.h - the table of a backend that is written in Python (driver/backends/python.py). */
extern "Python" odev_status odev_python_get_caps(void *context, odev_caps *caps);
extern "Python" odev_status odev_python_execute_block(void *context, const odev_block *block, odev_report *report);
extern "Python" odev_status odev_python_read_sensors(void *context, uint64_t reading, double laser_mw,
                                                     const void *codes, odev_telemetry_data *telemetry,
                                                     odev_report *report);
extern "Python" void odev_python_close(void *context);
