"""A model beside a PBX: judges whether any order of a run's commands explains its answers."""
