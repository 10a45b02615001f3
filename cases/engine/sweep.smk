# SPDX-License-Identifier: MIT
# Runs the batches of a sweep. `infusate sweep` starts it; users never see its options.
# A batch is what the engine schedules; a case is what is never run twice (see cases/sweeps/worker.py).


rule all:
    input:
        expand("batches/{number}", number=config["open"]),


rule batch:
    output:
        touch("batches/{number}"),
    threads: config["threads"]
    resources:
        tasks=config["ranks"],
        mem_mb=config["memory_mb"] * config["ranks"],
        runtime=config["minutes"],
        **config["slurm"],
    params:
        start=config["start"],
    shell:
        "{params.start} -m cases.sweeps.worker . {wildcards.number}"
